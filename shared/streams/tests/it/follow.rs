//! Following a public stream from outside: in order, from where it was left, and never past a gap without a word (§7).

use crate::payload::Payload;
use crate::world::{LONG, P, SOON, World, key, owner};
use std::collections::BTreeMap;
use std::time::Duration;
use tributary_model::{PartitionId, StreamId};
use tributary_streams::{FollowError, Follower, Retention, Stream};

const PARTITIONS: u16 = 2;
const OTHER: PartitionId = PartitionId(1);
const SHORT: Duration = Duration::from_millis(50);

async fn follow(world: &World, token: &str) -> Result<Follower, FollowError> {
    world.redis.follow(Stream::Events, PARTITIONS, token).await
}

async fn append(world: &World, p: PartitionId, events: &[&str]) -> anyhow::Result<()> {
    Payload { partition: p, ..Payload::of("ann", events) }.outcomes(&world.redis).await?;
    Ok(())
}

/// The ids of the events that come until none comes for a moment.
async fn all(follower: &mut Follower) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    while let Some(entry) = follower.next(SHORT).await? {
        found.push(entry.event_id);
    }
    Ok(found)
}

#[tokio::test]
async fn from_now_on_means_behind_what_is_there_and_nothing_of_what_comes_is_missed() -> anyhow::Result<()> {
    let world = World::start().await?;
    append(&world, P, &["old"]).await?;
    let mut follower = follow(&world, "").await?;
    append(&world, P, &["e1", "e2"]).await?;
    append(&world, OTHER, &["o1"]).await?;
    let mut found = all(&mut follower).await?;
    found.sort();
    assert_eq!(found, ["e1", "e2", "o1"]);

    let (next, appended) = tokio::join!(follower.next(LONG), append(&world, OTHER, &["o2"]));
    appended?;
    assert_eq!(next?.map(|entry| entry.event_id).as_deref(), Some("o2"), "an append ends the wait");
    Ok(())
}

#[tokio::test]
async fn every_token_leads_to_exactly_what_came_behind_it() -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut follower = follow(&world, "").await?;
    for n in 0..3 {
        append(&world, P, &[&format!("e{n}")]).await?;
        append(&world, OTHER, &[&format!("o{n}")]).await?;
    }
    let mut tokens = vec![follower.token()];
    let mut seen = Vec::new();
    while let Some(entry) = follower.next(SHORT).await? {
        seen.push(entry.event_id);
        tokens.push(follower.token());
    }
    assert_eq!(seen.len(), 6);
    for (n, token) in tokens.iter().enumerate() {
        let mut rest = all(&mut follow(&world, token).await?).await?;
        rest.sort();
        let mut expected = seen[n..].to_vec();
        expected.sort();
        assert_eq!(rest, expected, "behind the token after {n}");
    }
    Ok(())
}

#[tokio::test]
async fn a_busy_partition_comes_in_order_and_does_not_hold_up_another() -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut follower = follow(&world, "").await?;
    let ids: Vec<String> = (0..300).map(|n| format!("e{n:03}")).collect();
    for batch in ids.chunks(50) {
        append(&world, P, &batch.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    }
    append(&world, OTHER, &["other"]).await?;
    let found = all(&mut follower).await?;
    let place = found.iter().position(|id| id == "other").expect("it came");
    assert!(place <= 100, "it waited for {place} of the others");
    let here: Vec<&String> = found.iter().filter(|id| *id != "other").collect();
    assert!(here.iter().copied().eq(ids.iter()), "out of order");
    Ok(())
}

#[tokio::test]
async fn a_heavy_page_is_cut_and_nothing_of_it_is_missed() -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut follower = follow(&world, "").await?;
    let heavy = "x".repeat(400_000);
    for n in 1..=8 {
        world.raw::<String>(&["XADD", &key("events"), &format!("{n}-1"), "data", &heavy]).await?;
    }
    let mut sizes = BTreeMap::new();
    while let Some(entry) = follower.next(SHORT).await? {
        sizes.insert(entry.id, entry.data.len());
    }
    assert_eq!(sizes.len(), world.length(Stream::Events).await?);
    assert!(sizes.values().all(|size| *size == heavy.len()));
    Ok(())
}

async fn trim(world: &World, up_to: StreamId) -> anyhow::Result<()> {
    let fence = world.own("collector").await?;
    let nothing = Retention { age: Duration::ZERO, entries: 0 };
    Ok(world.redis.trim(&fence, Stream::Events, Some(up_to), nothing, &[]).await?)
}

#[tokio::test]
async fn who_comes_back_behind_what_was_trimmed_goes_on_and_who_comes_before_it_is_told() -> anyhow::Result<()>
{
    let world = World::start().await?;
    let mut follower = follow(&world, "").await?;
    append(&world, P, &["e1", "e2", "e3"]).await?;
    let mut tokens = vec![follower.token()];
    while follower.next(SHORT).await?.is_some() {
        tokens.push(follower.token());
    }
    trim(&world, world.ids(Stream::Events).await?[1]).await?;
    for token in &tokens[..2] {
        assert!(matches!(follow(&world, token).await, Err(FollowError::Trimmed)), "e2 is missing");
    }
    assert_eq!(all(&mut follow(&world, &tokens[2]).await?).await?, ["e3"], "e2 was read before it went");
    Ok(())
}

#[tokio::test]
async fn a_slow_follower_is_told_of_what_was_trimmed_before_it_looked() -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut slow = follow(&world, "").await?;
    append(&world, P, &["e1", "e2", "e3"]).await?;
    trim(&world, world.ids(Stream::Events).await?[0]).await?;
    let told = tokio::time::timeout(SOON, slow.next(LONG)).await?;
    assert!(matches!(told, Err(FollowError::Trimmed)));

    // Also where nothing is left that could wake it.
    let mut slow = follow(&world, "").await?;
    append(&world, P, &["e4"]).await?;
    world.raw::<()>(&["DEL", &owner("collector")]).await?;
    trim(&world, *world.ids(Stream::Events).await?.last().expect("e4")).await?;
    assert_eq!(world.length(Stream::Events).await?, 0);
    assert!(matches!(slow.next(SHORT).await, Err(FollowError::Trimmed)));
    Ok(())
}

#[tokio::test]
async fn a_stream_that_has_lost_what_was_read_is_not_followed() -> anyhow::Result<()> {
    let world = World::start().await?;
    append(&world, P, &["e1"]).await?;
    let mut follower = follow(&world, "").await?;
    let token = follower.token();
    world.raw::<()>(&["DEL", &key("events")]).await?;
    assert!(matches!(follow(&world, &token).await, Err(FollowError::Ahead)));
    assert!(matches!(follower.next(SHORT).await, Err(FollowError::Ahead)));
    Ok(())
}

#[tokio::test]
async fn a_token_of_another_stream_or_of_nobody_is_refused() -> anyhow::Result<()> {
    let world = World::start().await?;
    let token = follow(&world, "").await?.token();
    for token in [token.as_str(), "nonsense"] {
        let refused = world.redis.follow(Stream::Profiles, PARTITIONS, token).await;
        assert!(matches!(refused, Err(FollowError::Token(_))));
    }
    Ok(())
}
