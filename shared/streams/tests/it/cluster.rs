//! All that one script touches lies in one slot of a cluster (§2).

use crate::commit::{Owner, all_effects, seen_as};
use crate::endings::told;
use crate::payload::{Payload, id, session_id};
use crate::world::{LONG, P, SOON, World, tenant};
use tributary_model::{EventId, StreamId, TraceContext};
use tributary_streams::{
    Awaited, Committed, DeliveredMark, Effect, Ending, From, Gate, Group, RunCommitted, Settlement,
};

/// One node that has all slots, and checks them as if it had not.
async fn cluster() -> anyhow::Result<World> {
    let bus = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port().to_string();
    let world = World::start_with(&["--cluster-enabled", "yes", "--cluster-port", &bus]).await?;
    world.raw::<()>(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await?;
    while !world.raw::<String>(&["CLUSTER", "INFO"]).await?.contains("cluster_state:ok") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Ok(world)
}

#[tokio::test]
async fn an_event_goes_its_whole_way_through_a_cluster() -> anyhow::Result<()> {
    let world = cluster().await?;
    world.redis.ensure_group(P, Group::Workflow).await?;
    let fence = world.own("workflow").await?;
    let mut payload = Payload::of("ann", &["e1"]).in_session("s").creating();
    payload.events[0].unit.awaited = Awaited::Runs;
    payload.outcomes(&world.redis).await?;
    let handed = world.redis.read_group(&fence, Group::Workflow, From::New, 9).await?;
    let entry = handed.last().expect("it was appended").entry.id;
    let owner = Owner { world, fence, entry };
    let redis = &owner.world.redis;
    let event = EventId::new("e1")?;
    redis.journal(&owner.fence, &tenant(), &event, "call", b"answer", LONG).await?;

    let mut effects = all_effects("e1", entry);
    let done = owner.commit_run(Owner::gate(entry), Some("purchase"), &effects).await?;
    assert!(matches!(done, RunCommitted::Done { .. }), "{done:?}");
    let profile = id("ann");
    effects.retain(|effect| !matches!(effect, Effect::Pause { .. } | Effect::Seen { .. }));
    effects.extend([crate::paused::pause("again", LONG, &[]), seen_as(event.clone(), entry, Ending::Dead)]);
    let done = owner.commit_run(Gate::Timer("pause"), None, &effects).await?;
    assert!(matches!(done, RunCommitted::Done { .. }), "{done:?}");
    let next = handed[0].entry.id;
    let resume = Effect::Resume { timer: "again".into(), profile: profile.clone() };
    let done = owner.commit_run(Owner::gate(next), None, &[resume]).await?;
    assert!(matches!(done, RunCommitted::Done { .. }), "{done:?}");

    let dispatcher = owner.world.own("dispatcher").await?;
    let timer = redis.timer(&dispatcher, "direct").await?.expect("it was made");
    let (tenant, trace) = (tenant(), TraceContext::default());
    let version = StreamId::new(1, 0);
    let mark = Some(DeliveredMark { tenant: &tenant, profile: &profile, name: "k", version, life: LONG });
    let dead = Settlement::Dead { tenant: &tenant, letter: Vec::new(), trace: &trace, mark };
    assert_eq!(redis.settle(&dispatcher, &timer, &dead).await?, Committed::Done);
    let collector = owner.world.own("collector").await?;
    redis.trim_changes(&collector, version).await?;
    assert_eq!(redis.stored(P).await?, version);
    redis.bound(&tenant, &session_id("s"), 1).await?;
    Ok(())
}

#[tokio::test]
async fn ends_are_told_in_a_cluster() -> anyhow::Result<()> {
    let world = cluster().await?;
    world.redis.ensure_group(P, Group::Workflow).await?;
    let fence = world.own("workflow").await?;
    let mut owner = Owner { world, fence, entry: StreamId::default() };
    owner.entry = owner.next("e1").await?;
    let endings = owner.world.another_process().await?.endings();
    let stopping = tokio_util::sync::CancellationToken::new();
    let listens = endings.clone().run(stopping.clone());
    let waits = async {
        let event = EventId::new("e1")?;
        let expected = endings.expect(P, &tenant(), &event);
        assert!(told(&expected, SOON).await, "the subscription began");
        let ended = owner.commit(&[seen_as(event, owner.entry, Ending::Done)]).await;
        assert!(told(&expected, SOON).await);
        stopping.cancel();
        anyhow::Ok(ended?)
    };
    let (_, ended) = tokio::join!(listens, waits);
    assert_eq!(ended?, Committed::Done);
    Ok(())
}
