//! Many first events of one new session at once make one of everything.

use futures::future::try_join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tributary_proto::v1::{EventStatus, GetSessionRequest};

use crate::{
    payloads::{event, in_session},
    world::{Stored, World, fields},
};

const CALLS: i64 = 64;
const SESSION: &str = "a-new-session";

#[tokio::test(flavor = "multi_thread")]
async fn many_first_events_of_a_session_at_once_make_one_profile_one_session_and_one_visit()
-> anyhow::Result<()> {
    let world = World::start().await?;
    let key = world.mesh.secret("TRIBUTARY_WRITE_KEY_WEBSITE").to_owned();
    let calls = (0..CALLS).map(|number| {
        // A connection for each, as from 64 clients.
        let mut client = world.mesh.ingest(&key);
        let view = event(&format!("view-{number}"), "page-view", json!({"url": format!("/{number}")}));
        async move { client.track(in_session(SESSION, [view])).await }
    });
    let answers = try_join_all(calls).await?;

    let mut profiles = BTreeSet::new();
    for answer in answers {
        let answer = answer.into_inner();
        assert_eq!(answer.events[0].status(), EventStatus::Accepted);
        let (profile, session) = (answer.profile.unwrap_or_default(), answer.session.unwrap_or_default());
        assert_eq!((session.id.as_str(), &session.profile_id), (SESSION, &profile.id));
        // Not yet, to a caller that another one overtook.
        let visits = fields(&profile)?.pointer("/stats/visits/count").and_then(Value::as_i64);
        assert!(visits.is_none_or(|count| count == 1), "{visits:?}");
        profiles.insert(profile.id);
    }
    let profile = profiles.pop_first().unwrap_or_default();
    assert_eq!(profiles.len(), 0, "one profile");

    let shown = world.fields(&profile).await?;
    assert_eq!(shown["stats"]["visits"]["count"], 1);
    assert_eq!(shown["stats"]["counters"]["page_views"], CALLS);
    let session = GetSessionRequest { session_id: SESSION.into() };
    let session = world.mesh.profiles().get_session(session).await?.into_inner().session.unwrap_or_default();
    assert_eq!(session.profile_id, profile);
    // Also the two that the mesh made: profile-created and visit-started.
    let seen = session.fields.unwrap_or_default().to_object()?;
    assert_eq!(seen["stats"]["counters"]["events"], CALLS + 2);

    world.settled().await;
    assert_eq!(world.stored_fields(&profile).await?, shown);
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM profiles").fetch_one(&world.database).await?;
    assert_eq!(rows, 1);
    let sessions: Vec<(String, String, String)> =
        sqlx::query_as("SELECT id, origin, bound FROM sessions").fetch_all(&world.database).await?;
    assert_eq!(sessions, [(SESSION.to_owned(), profile.clone(), profile)]);
    let stored = |rows| Stored { rows, ids: rows, profiles: 1 };
    assert_eq!(world.stored_events("page-view").await?, stored(CALLS));
    assert_eq!(world.stored_events("profile-created").await?, stored(1));
    assert_eq!(world.stored_events("visit-started").await?, stored(1));
    Ok(())
}
