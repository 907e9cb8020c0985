//! How far the collector is behind: counted where the entries lie.

use tributary_model::{PartitionId, StreamId};
use tributary_streams::Stream;

use crate::support::World;

const P: PartitionId = PartitionId(0);
/// More than is counted at most.
const ENTRIES: u64 = 10_600;

#[tokio::test(flavor = "multi_thread")]
async fn entries_after_a_position_are_counted_up_to_a_limit() {
    let world = World::new().await;
    assert_eq!(behind(&world, StreamId::default()).await, 0, "a stream that does not exist yet");
    let fill = "for n = 1, tonumber(ARGV[1]) do redis.call('XADD', KEYS[1], n .. '-1', 'data', 'x') end";
    redis::cmd("EVAL")
        .arg(&[fill, "1", "{0}:events", &ENTRIES.to_string()])
        .query_async::<()>(&mut world.raw().await)
        .await
        .unwrap();
    for (position, expected) in [
        (StreamId::default(), ENTRIES),
        (StreamId::new(1, 0), ENTRIES),
        (StreamId::new(1, 1), 10_000),
        (StreamId::new(ENTRIES - 1_234, 1), 1_234),
        (StreamId::new(ENTRIES - 1_000, 1), 1_000),
        (StreamId::new(ENTRIES - 1, 0), 2),
        (StreamId::new(ENTRIES - 1, 1), 1),
        (StreamId::new(ENTRIES, 1), 0),
        (StreamId::new(ENTRIES + 5, 0), 0),
    ] {
        assert_eq!(behind(&world, position).await, expected, "after {position}");
    }
}

async fn behind(world: &World, position: StreamId) -> u64 {
    world.redis.collector_lag(P, Stream::Events, position).await.unwrap().behind
}
