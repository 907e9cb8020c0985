//! Sessions of several members, and sessions while Postgres is away.

use tonic::Code;
use tributary_testkit::eventually;

use crate::support::{Collector, SOON, World, profile_in, views};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_the_join_of_its_members_at_all_profiles_that_payloads_named() {
    let world = World::new().await;
    let collector = world.collector().await;
    let (bound, named) = (profile_in(0), profile_in(1));
    world.bind("s1", &bound).await;
    world.append("e1", &bound, "s1").await;
    world.append("e2", &named, "s1").await;
    eventually(SOON, async || match in_session(&collector, "s1").await {
        Ok(2) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    // Rows say where the session has been; what is newest there is seen at once.
    world.append("e3", &named, "s1").await;
    world.append("e4", &bound, "s1").await;
    let session = collector.session("s1").await.unwrap();
    assert_eq!(views(session.fields.as_ref()), Some(4));
    assert_eq!((session.profile_id, session.members.len()), (bound, 2));
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_where_its_profile_went() {
    let world = World::new().await;
    let collector = world.collector().await;
    let (merged, target) = (profile_in(0), profile_in(1));
    world.bind("s1", &merged).await;
    world.append("e1", &merged, "s1").await;
    world.merge(&merged, &target).await;
    world.append("e2", &target, "s1").await;
    assert_eq!(in_session(&collector, "s1").await, Ok(2));
    assert_eq!(collector.profile(&merged).await.unwrap().id, target);
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_away_hot_sessions_are_answered_and_the_collector_can_stop() {
    let world = World::with_own_postgres().await;
    let collector = world.collector().await;
    world.bind("s1", "p1").await;
    world.append("e1", "p1", "s1").await;
    assert_eq!(in_session(&collector, "s1").await, Ok(1));
    world.bind("empty", "p1").await;
    assert_eq!(collector.session("empty").await.unwrap_err().code(), Code::NotFound);

    world.servers.postgres().kill();
    world.append("e2", "p1", "s1").await;
    assert_eq!(in_session(&collector, "s1").await, Ok(2));
    // It may be at a profile that only its rows know, and one that nobody bound may have been bound long ago.
    for unknown in ["empty", "never-bound"] {
        let refused = collector.session(unknown).await.unwrap_err();
        let reason = tributary_runtime::reason_of(&refused);
        assert_eq!((refused.code(), reason.as_deref()), (Code::Unavailable, Some("DATABASE_UNAVAILABLE")));
    }
    collector.stop().await;
}

async fn in_session(collector: &Collector, id: &str) -> Result<i64, String> {
    let session = collector.session(id).await.map_err(|status| status.to_string())?;
    views(session.fields.as_ref()).ok_or_else(|| "no counter".to_owned())
}
