//! A former owner that wakes up can write nothing, and read nothing that others then miss (§3).

use crate::payload::{Payload, id};
use crate::world::{LONG, P, World, owner, tenant};
use std::time::Duration;
use tributary_model::{EventId, StreamId, TraceContext};
use tributary_streams::{
    Effect, Fence, From, Gate, Group, Known, Publication, Redis, Retention, RunCommit, Settlement, Stream,
    StreamsError, Subject,
};

const NOW: Retention = Retention { age: Duration::ZERO, entries: 0 };

#[tokio::test]
async fn every_fenced_script_refuses_a_former_owner_and_writes_nothing() -> anyhow::Result<()> {
    let world = World::start().await?;
    let former = owner_with_work(&world).await?;
    let next = world.take_over(&former).await?;
    assert!(next.epoch > former.epoch);
    refused_everywhere(&world, &former).await
}

#[tokio::test]
async fn every_fenced_script_refuses_an_equal_epoch_of_another_acquisition() -> anyhow::Result<()> {
    let world = World::start().await?;
    let former = owner_with_work(&world).await?;
    world.raw::<()>(&["DEL", &owner("workflow")]).await?;
    assert_eq!(world.own("workflow").await?.epoch, former.epoch);
    refused_everywhere(&world, &former).await
}

#[tokio::test]
async fn every_fenced_script_refuses_when_nobody_owns_the_partition() -> anyhow::Result<()> {
    let world = World::start().await?;
    let former = owner_with_work(&world).await?;
    world.raw::<()>(&["DEL", &owner("workflow")]).await?;
    refused_everywhere(&world, &former).await
}

/// An owner with an entry in hand, another one to read, and a timer that is due.
async fn owner_with_work(world: &World) -> anyhow::Result<Fence> {
    let redis = &world.redis;
    let fence = world.own("workflow").await?;
    redis.ensure_group(P, Group::Workflow).await?;
    Payload::of("ann", &["e1", "e2", "e3"]).outcomes(redis).await?;
    let handed = redis.read_group(&fence, Group::Workflow, From::New, 2).await?;
    let timer = Effect::Debounce {
        timer: "due".into(),
        quiet: Duration::ZERO,
        longest: Duration::ZERO,
        version: handed[0].entry.id,
        fields: Vec::new(),
    };
    let trace = TraceContext::default();
    redis.commit(&fence, Group::Workflow, handed[0].entry.id, &tenant(), &[timer], &trace).await?;
    Ok(fence)
}

async fn refused_everywhere(world: &World, fence: &Fence) -> anyhow::Result<()> {
    let redis = &world.redis;
    let before = world.everything().await?;
    for (script, outcome) in attempts(redis, fence).await? {
        assert!(matches!(outcome, Err(StreamsError::Fenced)), "{script}: {outcome:?}");
        assert_eq!(world.everything().await?, before, "{script}");
    }
    Ok(())
}

async fn attempts(
    redis: &Redis,
    fence: &Fence,
) -> anyhow::Result<Vec<(&'static str, Result<(), StreamsError>)>> {
    let trace = TraceContext::default();
    let last = redis.last_id(fence, Stream::Events).await?;
    let in_hand = redis.tail(P, Stream::Events, StreamId::default(), 2).await?[1].id;
    let timer = redis.timer(fence, "due").await?.expect("it was scheduled");
    let row = (tenant(), Subject::Profile(id("ann")), Known::default());
    let publication = Publication {
        version: last,
        tenant: tenant(),
        id: "ann".into(),
        data: Vec::new(),
        trace: trace.clone(),
        historical: false,
    };
    let dead = [Effect::Dead(Vec::new())];
    let read = async |from| redis.read_group(fence, Group::Workflow, from, 9).await.map(drop);
    let settle = async |settlement: Settlement<'_>| redis.settle(fence, &timer, &settlement).await.map(drop);
    let run = async |gate| {
        let (tenant, profile) = (&tenant(), &id("ann"));
        let (looked, event_type, effects, trace) = (true, "", dead.as_slice(), &trace);
        let commit = RunCommit { gate, tenant, profile, looked, event_type, effects, trace };
        redis.commit_run(fence, &commit).await.map(drop)
    };
    let event = EventId::new("e1").expect("a short id");
    let letter = Settlement::Dead { tenant: &tenant(), letter: Vec::new(), trace: &trace, mark: None };
    Ok(vec![
        ("new", read(From::New).await),
        ("pending", read(From::Pending(StreamId::default())).await),
        ("commit", redis.commit(fence, Group::Workflow, in_hand, &tenant(), &dead, &trace).await.map(drop)),
        ("event", run(Gate::Entry { group: Group::Workflow, entry: in_hand }).await),
        ("timer", run(Gate::Timer("due")).await),
        ("journal", redis.journal(fence, &tenant(), &event, "call", b"answer", LONG).await),
        ("due", redis.due_timers(fence, 9).await.map(drop)),
        ("done", settle(Settlement::Done { mark: None }).await),
        ("retry", settle(Settlement::Retry { attempts: 1, delay: LONG }).await),
        ("dead", settle(letter).await),
        ("snapshots", redis.set_snapshots(fence, last, &[row], LONG).await),
        ("publish", redis.publish(fence, Stream::Profiles, &[publication]).await),
        ("changes", redis.trim_changes(fence, last).await),
        ("trim", redis.trim(fence, Stream::Events, Some(last), NOW, &[]).await),
        ("renew", redis.renew(fence, LONG).await),
        ("release", redis.release(fence).await),
    ])
}
