//! Aliases are obeyed by appends: duplicates are known at the old slot, all else goes on at the new one (§4.2, §4.3).

use crate::payload::{Payload, accepted, id, opened};
use crate::world::{World, key, now};
use std::time::Duration;
use tributary_model::Time;
use tributary_streams::{Appended, OpenVisit, Stream};

async fn merge(world: &World, from: &str, to: &str, state: &str) -> anyhow::Result<()> {
    world.raw(&["HSET", &key(&format!("alias:demo:{from}")), "to", to, "state", state]).await
}

#[tokio::test]
async fn a_merged_profile_takes_nothing_new_and_says_where_it_went() -> anyhow::Result<()> {
    let world = World::start().await?;
    for (state, merging) in [("MERGING", true), ("DONE", false)] {
        merge(&world, "ann", "bob", state).await?;
        let before = world.everything().await?;
        let answer = Payload::of("ann", &["e1"]).in_session("s").creating().append(&world.redis).await?;
        assert_eq!(answer, Appended::Alias { to: id("bob"), merging, visit: None });
        assert_eq!(world.everything().await?, before);
    }
    Ok(())
}

#[tokio::test]
async fn a_repeat_is_a_duplicate_where_it_was_accepted_whatever_merged_since() -> anyhow::Result<()> {
    let world = World::start().await?;
    let payload = Payload::of("ann", &["e1", "e2"]);
    payload.outcomes(&world.redis).await?;
    for state in ["MERGING", "DONE"] {
        merge(&world, "ann", "bob", state).await?;
        assert_eq!(accepted(&payload.outcomes(&world.redis).await?), [false; 2]);
    }
    Ok(())
}

#[tokio::test]
async fn a_batch_with_one_new_event_goes_on_as_a_whole() -> anyhow::Result<()> {
    let world = World::start().await?;
    Payload::of("ann", &["e1"]).outcomes(&world.redis).await?;
    merge(&world, "ann", "bob", "DONE").await?;
    let answer = Payload::of("ann", &["e1", "e2"]).append(&world.redis).await?;
    assert!(matches!(answer, Appended::Alias { .. }), "{answer:?}");
    assert_eq!(world.length(Stream::Events).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_merge_goes_before_a_full_slot() -> anyhow::Result<()> {
    let world = World::start().await?;
    merge(&world, "ann", "bob", "DONE").await?;
    let mut payload = Payload::of("ann", &["e1"]);
    payload.limits.pending = 0;
    assert!(matches!(payload.append(&world.redis).await?, Appended::Alias { .. }));
    Ok(())
}

#[tokio::test]
async fn a_visit_is_handed_over_and_goes_on_at_the_target() -> anyhow::Result<()> {
    let world = World::start().await?;
    let start = now().minus(Duration::from_secs(7200));
    Payload::of("ann", &["e1"]).in_session("s").at(start).outcomes(&world.redis).await?;
    merge(&world, "ann", "bob", "DONE").await?;

    let later = start.plus(Duration::from_secs(60));
    let answer = Payload::of("ann", &["e2"]).in_session("s").at(later).append(&world.redis).await?;
    let Appended::Alias { visit, .. } = answer else { anyhow::bail!("{answer:?}") };
    assert_eq!(visit, Some(opened_by("e1", start)));

    let at_target = Payload { handed: visit, ..Payload::of("bob", &["e2"]).in_session("s").at(later) };
    let outcomes = at_target.outcomes(&world.redis).await?;
    assert_eq!((accepted(&outcomes), opened(&outcomes)), (vec![true], 0), "the visit goes on");
    let kept: Vec<String> = world.raw(&["HMGET", &key("visit:demo:bob:s"), "v", "opened_at", "last"]).await?;
    assert_eq!(kept, ["e1".to_owned(), start.as_micros().to_string(), later.as_micros().to_string()]);
    Ok(())
}

#[tokio::test]
async fn of_two_visits_the_one_with_the_later_last_event_is_kept() -> anyhow::Result<()> {
    let world = World::start().await?;
    let start = now().minus(Duration::from_secs(7200));
    let minutes = |n: u64| start.plus(Duration::from_secs(n * 60));
    Payload::of("bob", &["at-target"]).in_session("s").at(minutes(10)).outcomes(&world.redis).await?;
    let visit_after = async |event: &str, handed: OpenVisit, time: Time| -> anyhow::Result<String> {
        let payload =
            Payload { handed: Some(handed), ..Payload::of("bob", &[event]).in_session("s").at(time) };
        assert_eq!(opened(&payload.outcomes(&world.redis).await?), 0);
        world.raw(&["HGET", &key("visit:demo:bob:s"), "v"]).await
    };
    assert_eq!(visit_after("e1", opened_by("older", minutes(5)), minutes(6)).await?, "at-target");
    assert_eq!(visit_after("e2", opened_by("newer", minutes(20)), minutes(15)).await?, "newer");
    let last: String = world.raw(&["HGET", &key("visit:demo:bob:s"), "last"]).await?;
    assert_eq!(last, minutes(20).as_micros().to_string());
    Ok(())
}

#[tokio::test]
async fn a_visit_that_was_handed_over_too_late_is_followed_by_a_new_one() -> anyhow::Result<()> {
    let world = World::start().await?;
    let start = now().minus(Duration::from_secs(7200));
    let after_the_gap = start.plus(Duration::from_secs(1801));
    let payload = Payload {
        handed: Some(opened_by("e1", start)),
        ..Payload::of("bob", &["e2"]).in_session("s").at(after_the_gap)
    };
    assert_eq!(opened(&payload.outcomes(&world.redis).await?), 1);
    Ok(())
}

fn opened_by(event: &str, at: Time) -> OpenVisit {
    let at = at.as_micros().to_string();
    OpenVisit { opening_event: event.to_owned(), opened_at: at.clone(), last: at }
}
