//! An owner reads what its predecessor left before anything new, and nobody reads past it (§6).

use crate::payload::Payload;
use crate::world::{P, World, key, tenant};
use tributary_model::{StreamId, TraceContext};
use tributary_streams::{Fence, From, Group, Handed, Redis, Stream, StreamsError};

const START: From = From::Pending(StreamId::new(0, 0));

async fn read(redis: &Redis, fence: &Fence, from: From, limit: usize) -> anyhow::Result<Vec<Handed>> {
    Ok(redis.read_group(fence, Group::Workflow, from, limit).await?)
}

fn names(handed: &[Handed]) -> Vec<&str> {
    handed.iter().map(|handed| handed.entry.event_id.as_str()).collect()
}

#[tokio::test]
async fn a_new_owner_is_handed_what_was_left_in_pages_before_what_is_new() -> anyhow::Result<()> {
    let world = World::start().await?;
    let redis = &world.redis;
    redis.ensure_group(P, Group::Workflow).await?;
    let former = world.own("workflow").await?;
    Payload::of("ann", &["e1", "e2", "e3", "e4", "e5"]).outcomes(redis).await?;
    assert_eq!(names(&read(redis, &former, From::New, 3).await?), ["e1", "e2", "e3"]);

    let next = world.take_over(&former).await?;
    let first = read(redis, &next, START, 2).await?;
    assert_eq!(names(&first), ["e1", "e2"]);
    let second = read(redis, &next, From::Pending(first[1].entry.id), 2).await?;
    assert_eq!(names(&second), ["e3"]);
    assert_eq!(read(redis, &next, From::Pending(second[0].entry.id), 2).await?, []);
    assert_eq!(names(&read(redis, &next, From::New, 9).await?), ["e4", "e5"]);
    assert_eq!(read(redis, &next, From::New, 9).await?, []);
    Ok(())
}

#[tokio::test]
async fn a_paused_owner_that_wakes_swallows_nothing() -> anyhow::Result<()> {
    let world = World::start().await?;
    let redis = &world.redis;
    redis.ensure_group(P, Group::Workflow).await?;
    let former = world.own("workflow").await?;
    let next = world.take_over(&former).await?;
    assert_eq!(read(redis, &next, START, 9).await?, [], "its replay is over before e1 comes");
    Payload::of("ann", &["e1"]).outcomes(redis).await?;

    let woken = redis.read_group(&former, Group::Workflow, From::New, 9).await;
    assert!(matches!(woken, Err(StreamsError::Fenced)), "{woken:?}");
    Payload::of("ann", &["e2"]).outcomes(redis).await?;
    assert_eq!(names(&read(redis, &next, From::New, 9).await?), ["e1", "e2"]);
    Ok(())
}

#[tokio::test]
async fn deliveries_are_counted() -> anyhow::Result<()> {
    let world = World::start().await?;
    let redis = &world.redis;
    redis.ensure_group(P, Group::Workflow).await?;
    let fence = world.own("workflow").await?;
    Payload::of("ann", &["e1"]).outcomes(redis).await?;
    let mut counted = vec![read(redis, &fence, From::New, 9).await?[0].deliveries];
    for _ in 0..3 {
        counted.push(read(redis, &fence, START, 9).await?[0].deliveries);
    }
    assert_eq!(counted, [1, 2, 3, 4]);
    Ok(())
}

#[tokio::test]
async fn what_was_written_before_the_group_existed_is_read_too() -> anyhow::Result<()> {
    let world = World::start().await?;
    let redis = &world.redis;
    Payload::of("ann", &["e1"]).outcomes(redis).await?;
    redis.ensure_group(P, Group::Workflow).await?;
    let fence = world.own("workflow").await?;
    assert_eq!(names(&read(redis, &fence, From::New, 9).await?), ["e1"]);
    redis.ensure_group(P, Group::Workflow).await?;
    assert_eq!(read(redis, &fence, From::New, 9).await?, [], "making it again moves nothing");
    Ok(())
}

#[tokio::test]
async fn an_entry_that_was_trimmed_in_the_owners_hands_is_reported_as_lost() -> anyhow::Result<()> {
    let world = World::start().await?;
    let redis = &world.redis;
    redis.ensure_group(P, Group::Workflow).await?;
    let fence = world.own("workflow").await?;
    Payload::of("ann", &["e1", "e2"]).outcomes(redis).await?;
    read(redis, &fence, From::New, 9).await?;
    world.raw::<()>(&["XTRIM", &key("events"), "MAXLEN", "1"]).await?;
    let left = read(redis, &fence, START, 9).await?;
    let lost: Vec<bool> = left.iter().map(|handed| handed.entry.lost).collect();
    assert_eq!(lost, [true, false]);
    assert_eq!(redis.group_lag(P, Stream::Events).await?[0].pending, 2);
    Ok(())
}

#[tokio::test]
async fn the_lag_of_each_reader_is_told() -> anyhow::Result<()> {
    let world = World::start().await?;
    let redis = &world.redis;
    assert_eq!(redis.group_lag(P, Stream::Events).await?, [], "there is no stream yet");
    redis.ensure_group(P, Group::Workflow).await?;
    let fence = world.own("workflow").await?;
    Payload::of("ann", &["e1", "e2", "e3"]).outcomes(redis).await?;
    let handed = read(redis, &fence, From::New, 2).await?;
    let trace = TraceContext::default();
    redis.commit(&fence, Group::Workflow, handed[0].entry.id, &tenant(), &[], &trace).await?;
    let lags = redis.group_lag(P, Stream::Events).await?;
    assert_eq!((lags[0].reader.as_str(), lags[0].behind, lags[0].pending), ("workflow", 1, 1));
    let collector = redis.collector_lag(P, Stream::Events, handed[0].entry.id).await?;
    assert_eq!(collector.behind, 2);
    Ok(())
}
