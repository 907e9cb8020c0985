//! One owner for each partition and stage, for as long as it says so (§3).

use crate::world::{LONG, P, SOON, World, owner};
use std::time::Duration;
use tributary_model::PartitionId;
use tributary_servers::poll;
use tributary_streams::{Fence, Redis, StreamsError};

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_held_partition_is_nobody_elses() -> anyhow::Result<()> {
    let world = World::start().await?;
    let other = world.another_process().await?;
    let fence = world.own("workflow").await?;
    assert_eq!(other.acquire(P, "workflow", 0, LONG).await?, None);
    assert_eq!(world.redis.acquire(P, "workflow", 0, LONG).await?, None, "not even its owner's once more");
    assert!(other.acquire(P, "collector", 0, LONG).await?.is_some(), "stages own by themselves");
    assert!(other.acquire(PartitionId(1), "workflow", 0, LONG).await?.is_some());
    world.redis.renew(&fence, LONG).await?;
    Ok(())
}

#[tokio::test]
async fn a_lease_that_is_not_renewed_ends_and_the_former_owner_finds_out() -> anyhow::Result<()> {
    let world = World::start().await?;
    let former = world.redis.acquire(P, "workflow", 0, SHORT).await?.expect("nobody has it");
    let next = eventually_acquired(&world.another_process().await?).await?;
    assert!(next.epoch > former.epoch, "{} is not above {}", next.epoch, former.epoch);
    assert!(matches!(world.redis.renew(&former, LONG).await, Err(StreamsError::Fenced)));
    assert!(matches!(world.redis.release(&former).await, Err(StreamsError::Fenced)));
    world.redis.renew(&next, LONG).await?;
    Ok(())
}

#[tokio::test]
async fn a_lease_that_is_renewed_outlives_its_first_term() -> anyhow::Result<()> {
    let world = World::start().await?;
    let fence = world.redis.acquire(P, "workflow", 0, SHORT).await?.expect("nobody has it");
    world.redis.renew(&fence, LONG).await?;
    let until: u128 = world.raw(&["HGET", &owner("workflow"), "until"]).await?;
    let (seconds, _): (u128, u64) = world.raw(&["TIME"]).await?;
    assert!(until > (seconds + 500) * 1000, "{until}");
    Ok(())
}

#[tokio::test]
async fn a_released_partition_is_free_at_once() -> anyhow::Result<()> {
    let world = World::start().await?;
    let former = world.own("workflow").await?;
    world.redis.release(&former).await?;
    let next = world.own("workflow").await?;
    assert!(next.epoch > former.epoch);
    Ok(())
}

#[tokio::test]
async fn an_epoch_lies_above_what_postgres_remembers() -> anyhow::Result<()> {
    let world = World::start().await?;
    let fence = world.redis.acquire(P, "collector", 41, LONG).await?.expect("nobody has it");
    assert_eq!(fence.epoch, 42);
    Ok(())
}

#[tokio::test]
async fn the_same_epoch_of_another_acquisition_is_refused() -> anyhow::Result<()> {
    let world = World::start().await?;
    let lost = world.own("workflow").await?;
    // Redis loses its last second, and the epoch is given out once more.
    world.raw::<()>(&["DEL", &owner("workflow")]).await?;
    let next = world.own("workflow").await?;
    assert_eq!(next.epoch, lost.epoch);
    assert!(matches!(world.redis.renew(&lost, LONG).await, Err(StreamsError::Fenced)));
    world.redis.renew(&next, LONG).await?;
    Ok(())
}

#[tokio::test]
async fn processes_are_counted_while_they_say_that_they_live() -> anyhow::Result<()> {
    let world = World::start().await?;
    assert_eq!(world.redis.announce("workflow", "a", LONG).await?, 1);
    assert_eq!(world.redis.announce("workflow", "b", SHORT).await?, 2);
    assert_eq!(world.redis.announce("collector", "c", LONG).await?, 1);
    let counted = poll(SOON, async || match world.redis.announce("workflow", "a", LONG).await {
        Ok(1) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    counted.await.map_err(anyhow::Error::msg)?;
    world.redis.announce("workflow", "c", LONG).await?;
    assert_eq!(
        world.redis.announce("workflow", "c", Duration::ZERO).await?,
        1,
        "who signs off is gone at once"
    );
    Ok(())
}

async fn eventually_acquired(redis: &Redis) -> anyhow::Result<Fence> {
    let acquired = poll(SOON, async || {
        let fence = redis.acquire(P, "workflow", 0, LONG).await.map_err(|error| error.to_string())?;
        fence.ok_or_else(|| "it is held".to_owned())
    });
    acquired.await.map_err(anyhow::Error::msg)
}
