//! A Redis without memory takes nothing new, and lets all that it took be finished: that is what frees memory again.

use crate::commit::{Owner, all_effects};
use crate::payload::{Payload, change, id};
use crate::rows::{Collector, SNAPSHOT_LIFE, Table};
use crate::world::{LONG, P, World, key, tenant};
use std::time::Duration;
use tributary_model::{PartitionId, State, StreamId, TraceContext};
use tributary_streams::{
    Committed, From, Group, Publication, Reader, Retention, Settlement, Stream, StreamsError,
};

async fn fill(world: &World) -> anyhow::Result<()> {
    world.raw(&["CONFIG", "SET", "maxmemory", "1"]).await
}

#[tokio::test]
async fn leases_go_on_and_partitions_change_hands() -> anyhow::Result<()> {
    let world = World::start().await?;
    let fence = world.own("workflow").await?;
    fill(&world).await?;
    world.redis.renew(&fence, LONG).await?;
    assert_eq!(world.redis.announce("workflow", "a", LONG).await?, 1);
    world.redis.release(&fence).await?;
    assert!(world.redis.acquire(P, "workflow", 0, LONG).await?.is_some());
    assert!(world.redis.acquire(PartitionId(1), "workflow", 0, LONG).await?.is_some());
    Ok(())
}

#[tokio::test]
async fn a_new_owner_reads_and_commits_what_was_accepted() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let redis = &owner.world.redis;
    fill(&owner.world).await?;
    redis.ensure_group(P, Group::Workflow).await?;
    redis.ensure_group(P, Group::Forwarder).await?;
    let handed =
        redis.read_group(&owner.fence, Group::Workflow, From::Pending(StreamId::default()), 9).await?;
    assert_eq!(handed.len(), 1);
    assert_eq!(owner.commit(&all_effects("e1", owner.entry)).await?, Committed::Done);
    assert_eq!(owner.world.length(Stream::Forward).await?, 1);

    let timer = redis.timer(&owner.fence, "timer").await?.expect("it was scheduled");
    let (tenant, trace) = (tenant(), TraceContext::default());
    let retry = Settlement::Retry { attempts: 1, delay: Duration::ZERO };
    let dead = Settlement::Dead { tenant: &tenant, letter: Vec::new(), trace: &trace, mark: None };
    for settlement in [retry, dead] {
        assert_eq!(redis.settle(&owner.fence, &timer, &settlement).await?, Committed::Done);
    }
    assert_eq!(owner.world.length(Stream::Dead).await?, 2);
    Ok(())
}

#[tokio::test]
async fn the_collector_goes_on_and_makes_room() -> anyhow::Result<()> {
    let world = World::start().await?;
    let fence = world.own("collector").await?;
    let collector = Collector { redis: world.redis.clone(), fence, table: Table::default() };
    Payload::of("ann", &["e1", "e2"]).outcomes(&world.redis).await?;
    let version = *world.ids(Stream::Changes).await?.last().expect("two");
    fill(&world).await?;

    collector.flush().await?;
    let trace = TraceContext::default();
    let row = Publication {
        version,
        tenant: tenant(),
        id: "ann".into(),
        data: Vec::new(),
        trace,
        historical: false,
    };
    world.redis.publish(&collector.fence, Stream::Profiles, &[row]).await?;
    let nothing = Retention { age: Duration::ZERO, entries: 0 };
    let stored = world.ids(Stream::Events).await?.pop();
    world.redis.trim(&collector.fence, Stream::Events, stored, nothing, &[]).await?;

    for stream in [Stream::Changes, Stream::Events] {
        assert_eq!(world.length(stream).await?, 0, "{}", stream.name());
    }
    assert_eq!(world.length(Stream::Profiles).await?, 1);
    assert!(!world.raw::<bool>(&["EXISTS", &key("pending:p:demo:ann")]).await?);
    Ok(())
}

#[tokio::test]
async fn reads_are_answered_but_no_snapshot_is_kept() -> anyhow::Result<()> {
    let world = World::start().await?;
    Payload::of("ann", &["e1"]).outcomes(&world.redis).await?;
    fill(&world).await?;
    let reader = Reader::new(world.redis.clone(), Table::default(), 1, SNAPSHOT_LIFE);
    let reading = reader.read(&tenant(), &id("ann"), None).await?;
    assert_eq!(reading.profile.state, State::fold(&[change("e1")]));
    assert!(!world.raw::<bool>(&["EXISTS", &key("snap:p:demo:ann")]).await?);
    let refused = Payload::of("ann", &["e2"]).append(&world.redis).await;
    assert!(matches!(refused, Err(StreamsError::OutOfMemory)), "{refused:?}");
    Ok(())
}
