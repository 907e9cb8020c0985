//! A session is bound once (§4.1).

use crate::payload::{id, session_id};
use crate::world::{World, tenant};
use futures::future::try_join_all;
use std::time::Duration;
use tributary_model::partition_of;

const LIFE: Duration = Duration::from_secs(600);

#[tokio::test]
async fn whoever_comes_first_binds_a_session_and_everyone_else_is_told() -> anyhow::Result<()> {
    let world = World::start().await?;
    let (tenant, session) = (tenant(), session_id("s"));
    assert_eq!(world.redis.binding(&tenant, &session, 8, LIFE).await?, None);
    let candidates: Vec<_> = (0..32).map(|n| id(&format!("p{n}"))).collect();
    let binds = candidates.iter().map(|candidate| world.redis.bind(&tenant, &session, candidate, 8, LIFE));
    let mut answers = try_join_all(binds).await?;
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(world.redis.binding(&tenant, &session, 8, LIFE).await?, answers.pop());
    Ok(())
}

#[tokio::test]
async fn a_binding_that_is_read_lives_on() -> anyhow::Result<()> {
    let world = World::start().await?;
    let session = session_id("s");
    world.redis.bind(&tenant(), &session, &id("ann"), 8, Duration::from_secs(5)).await?;
    world.redis.binding(&tenant(), &session, 8, LIFE).await?;
    let slot = partition_of(&tenant(), "s", 8);
    let life: i64 = world.raw(&["PTTL", &format!("{{{slot}}}:bind:demo:s")]).await?;
    assert!(life > 500_000, "{life}");
    Ok(())
}
