//! One visit, whoever comes first and however many at once; the next one only after the gap (§4.3).

use crate::payload::{Payload, VISIT_TIMEOUT, opened};
use crate::world::{World, key, now};
use futures::future::{try_join, try_join_all};
use std::time::Duration;
use tributary_model::Time;
use tributary_streams::Stream;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn sixty_four_first_events_of_one_session_open_one_visit() -> anyhow::Result<()> {
    let world = World::start().await?;
    let processes = [world.redis.clone(), world.another_process().await?];
    let payloads: Vec<Payload> =
        (0..64).map(|n| Payload::of("ann", &[&format!("e{n}")]).in_session("s")).collect();
    let appends = payloads.iter().enumerate().map(|(n, payload)| payload.outcomes(&processes[n % 2]));
    let outcomes = try_join_all(appends).await?;
    assert_eq!(opened(&outcomes.concat()), 1);
    assert_eq!(world.length(Stream::Events).await?, 65);
    Ok(())
}

#[tokio::test]
async fn two_at_once_open_one_visit_and_create_one_profile_in_two_hundred_rounds() -> anyhow::Result<()> {
    let world = World::start().await?;
    let other = world.another_process().await?;
    for round in 0..200 {
        let profile = format!("p{round}");
        let first = Payload::of(&profile, &[&format!("a{round}")]).in_session("s").creating();
        let second = Payload::of(&profile, &[&format!("b{round}")]).in_session("s").creating();
        let (a, b) = try_join(first.outcomes(&world.redis), second.outcomes(&other)).await?;
        let both = [a, b].concat();
        assert_eq!((opened(&both), crate::payload::created(&both)), (1, 1), "round {round}");
    }
    Ok(())
}

#[tokio::test]
async fn the_events_of_one_payload_share_a_visit() -> anyhow::Result<()> {
    let world = World::start().await?;
    let outcomes = Payload::of("ann", &["e1", "e2", "e3"]).in_session("s").outcomes(&world.redis).await?;
    assert_eq!(opened(&outcomes), 1);
    Ok(())
}

#[tokio::test]
async fn the_next_visit_opens_after_the_gap_by_event_time_and_not_before() -> anyhow::Result<()> {
    let world = World::start().await?;
    let start = now().minus(Duration::from_secs(86_400));
    let visit = async |event: &str, time: Time| -> anyhow::Result<bool> {
        let payload = Payload::of("ann", &[event]).in_session("s").at(time);
        Ok(opened(&payload.outcomes(&world.redis).await?) == 1)
    };
    assert!(visit("e1", start).await?);
    assert!(!visit("e2", start.plus(VISIT_TIMEOUT)).await?, "exactly the gap is no gap yet");
    assert!(!visit("e3", start.plus(VISIT_TIMEOUT).plus(VISIT_TIMEOUT)).await?, "e2 kept it open");
    assert!(!visit("e4", start.minus(SECOND)).await?, "a late event moves nothing");
    let end = start.plus(VISIT_TIMEOUT).plus(VISIT_TIMEOUT).plus(VISIT_TIMEOUT);
    assert!(visit("e5", end.plus(Duration::from_micros(1))).await?);
    let opening: String = world.raw(&["HGET", &key("visit:demo:ann:s"), "v"]).await?;
    assert_eq!(opening, "e5", "a visit is named by the event that opened it");
    Ok(())
}

#[tokio::test]
async fn a_repeat_opens_nothing_even_when_the_visit_is_forgotten() -> anyhow::Result<()> {
    let world = World::start().await?;
    let payload = Payload::of("ann", &["e1"]).in_session("s");
    payload.outcomes(&world.redis).await?;
    world.raw::<()>(&["DEL", &key("visit:demo:ann:s")]).await?;
    assert_eq!(opened(&payload.outcomes(&world.redis).await?), 0);
    assert_eq!(world.length(Stream::Events).await?, 2);
    Ok(())
}

#[tokio::test]
async fn events_at_a_profile_that_the_session_is_not_bound_to_open_none() -> anyhow::Result<()> {
    let world = World::start().await?;
    let elsewhere = Payload { bound: false, ..Payload::of("bob", &["e1", "e2"]).in_session("s") };
    assert_eq!(opened(&elsewhere.outcomes(&world.redis).await?), 0);
    assert_eq!(world.length(Stream::Events).await?, 2);
    assert!(!world.raw::<bool>(&["EXISTS", &key("visit:demo:bob:s")]).await?);
    Ok(())
}

#[tokio::test]
async fn such_events_keep_a_visit_open_that_was_handed_over() -> anyhow::Result<()> {
    let world = World::start().await?;
    let start = now().minus(Duration::from_secs(86_400));
    Payload::of("ann", &["e1"]).in_session("s").at(start).outcomes(&world.redis).await?;
    let later = start.plus(VISIT_TIMEOUT);
    let unbound = Payload { bound: false, ..Payload::of("ann", &["e2"]).in_session("s").at(later) };
    unbound.outcomes(&world.redis).await?;
    let next = Payload::of("ann", &["e3"]).in_session("s").at(later.plus(SECOND));
    assert_eq!(opened(&next.outcomes(&world.redis).await?), 0);
    Ok(())
}

#[tokio::test]
async fn sessions_of_one_profile_have_visits_of_their_own() -> anyhow::Result<()> {
    let world = World::start().await?;
    for session in ["s", "t"] {
        let payload = Payload::of("ann", &[&format!("e-{session}")]).in_session(session);
        assert_eq!(opened(&payload.outcomes(&world.redis).await?), 1);
    }
    Ok(())
}
