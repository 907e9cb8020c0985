//! Without Postgres, who is known is served; who may be known there is asked to come back, and never becomes someone new.

use std::time::Duration;

use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tributary_proto::v1::{EventStatus, TrackRequest, TrackResponse};
use tributary_testkit::{ServersOptions, eventually};

use crate::{
    payloads::{about, event, in_session, purchase, refusal},
    world::{SOON, Stored, World, config, quick},
};

const SHOP: &str = "TRIBUTARY_WRITE_KEY_CDNOW";
const WEBSITE: &str = "TRIBUTARY_WRITE_KEY_WEBSITE";

#[tokio::test(flavor = "multi_thread")]
async fn without_postgres_hot_profiles_are_served_and_others_are_asked_to_come_back() -> anyhow::Result<()> {
    let servers = ServersOptions { own_postgres: true, ..ServersOptions::default() };
    let world = World::start_with(servers, quick(config())).await?;
    track(&world, SHOP, about("hot", [purchase("before", 1.5)])).await?;
    let visitor = track(&world, WEBSITE, view("known-session", "view-before")).await?;
    let visitor = visitor.profile.unwrap_or_default().id;
    world.settled().await;

    world.mesh.servers().postgres().stop().await;
    let answer = track(&world, SHOP, about("hot", [purchase("during", 2.5)])).await?;
    assert_eq!(answer.events[0].status(), EventStatus::Accepted);
    assert_eq!(world.fields("hot").await?["purchases"]["total"], 4);
    let answer = track(&world, WEBSITE, view("known-session", "view-during")).await?;
    assert_eq!(answer.profile.unwrap_or_default().id, visitor);

    let (cold, new) = tokio::join!(
        track(&world, SHOP, about("cold", [purchase("cold", 3.5)])),
        track(&world, WEBSITE, view("new-session", "view-new")),
    );
    for refused in [cold, new] {
        let status = refused.expect_err("only Postgres knows whether there is such a profile or session");
        assert_eq!(refusal(&status), (Code::Unavailable, "DATABASE_UNAVAILABLE".into(), vec![]));
        assert!(retry_delay(&status) > Duration::ZERO);
    }
    let status = world.profile("cold").await.expect_err("nor can it be read").downcast::<Status>()?;
    assert_eq!(status.code(), Code::Unavailable);
    assert!(retry_delay(&status) > Duration::ZERO);

    world.mesh.servers().postgres().restart().await?;
    for (key, payload) in
        [(SHOP, about("cold", [purchase("cold", 3.5)])), (WEBSITE, view("new-session", "view-new"))]
    {
        let answer = eventually(SOON, async || {
            track(&world, key, payload.clone()).await.map_err(|status| status.to_string())
        })
        .await;
        assert_eq!(answer.events[0].status(), EventStatus::Accepted, "what was refused was not written");
    }
    world.settled().await;
    assert_eq!(world.stored_events("purchase").await?, Stored { rows: 3, ids: 3, profiles: 2 });
    assert_eq!(world.stored_events("page-view").await?, Stored { rows: 3, ids: 3, profiles: 2 });
    for (profile, total) in [("hot", 4.0), ("cold", 3.5)] {
        let stored = world.stored_fields(profile).await?;
        assert_eq!(stored["purchases"]["total"].as_f64(), Some(total));
        assert_eq!(stored, world.fields(profile).await?);
    }
    assert_eq!(world.stored_fields(&visitor).await?["stats"]["counters"]["page_views"], 2);
    Ok(())
}

fn view(session: &str, id: &str) -> TrackRequest {
    in_session(session, [event(id, "page-view", json!({"url": "/"}))])
}

async fn track(world: &World, key: &str, payload: TrackRequest) -> Result<TrackResponse, Status> {
    let answer = world.mesh.ingest(world.mesh.secret(key)).track(payload).await;
    answer.map(tonic::Response::into_inner)
}

fn retry_delay(status: &Status) -> Duration {
    status.get_details_retry_info().and_then(|info| info.retry_delay).unwrap_or_default()
}
