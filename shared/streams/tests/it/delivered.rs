//! Direct deliveries become timers of the dispatcher, and what was delivered is told to whoever waits (§6).

use crate::commit::Owner;
use crate::payload::{change_set, id};
use crate::world::{LONG, P, key, tenant};
use std::collections::HashMap;
use std::time::Duration;
use tributary_model::{StreamId, TraceContext};
use tributary_streams::{
    Committed, Delivered, DeliveredMark, Effect, Fence, Settlement, Stream, Subject, Timer, timer_id,
};

fn deliver(timer: &str, body: &str) -> Effect {
    Effect::Deliver { timer: timer.to_owned(), fields: vec![("key", "k".into()), ("body", body.to_owned())] }
}

async fn fired(owner: &Owner, fence: &Fence) -> anyhow::Result<Timer> {
    let due = owner.world.redis.due_timers(fence, 9).await?.timers;
    anyhow::ensure!(due.len() == 1, "{due:?}");
    let timer = owner.world.redis.timer(fence, &due[0]).await?;
    timer.ok_or_else(|| anyhow::anyhow!("a due timer without content"))
}

#[tokio::test]
async fn a_direct_delivery_is_due_at_once_with_the_dispatcher_and_settled_once() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let dispatcher = owner.world.own("dispatcher").await?;
    let name = timer_id("dispatcher", &tenant(), &["crm", "e1:node"]);
    let subject = Subject::Profile(id("ann"));
    let changes = Effect::Changes { subject, cause: "e1/2".into(), set: change_set("w", &id("ann")) };
    let trace = TraceContext { traceparent: "00-aa-bb-01".into(), tracestate: "x=1".into() };
    owner.commit_entry(owner.entry, &[deliver(&name, "first"), changes], &trace).await?;

    assert!(
        owner.world.redis.due_timers(&owner.fence, 9).await?.timers.is_empty(),
        "it is not the workflows'"
    );
    let timer = fired(&owner, &dispatcher).await?;
    assert_eq!((timer.id.as_str(), timer.attempts, &timer.trace), (name.as_str(), 0, &trace));
    assert_eq!(timer.version, owner.world.ids(Stream::Changes).await?[1]);
    let fields = HashMap::from([("key".into(), "k".into()), ("body".into(), "first".into())]);
    let carried: HashMap<String, String> = timer
        .fields
        .iter()
        .filter(|(name, _)| *name != "first")
        .map(|(a, b)| (a.clone(), b.clone()))
        .collect();
    assert_eq!(carried, fields);

    let settle = async |settlement| owner.world.redis.settle(&dispatcher, &timer, &settlement).await;
    assert_eq!(settle(Settlement::Retry { attempts: 1, delay: Duration::ZERO }).await?, Committed::Done);
    assert_eq!(fired(&owner, &dispatcher).await?.attempts, 1);
    assert_eq!(settle(Settlement::Done { mark: None }).await?, Committed::Done);
    assert_eq!(settle(Settlement::Done { mark: None }).await?, Committed::Already);
    assert!(owner.world.redis.due_timers(&dispatcher, 9).await?.timers.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_direct_delivery_under_way_is_not_doubled_or_hurried_by_one_of_the_same_id() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let dispatcher = owner.world.own("dispatcher").await?;
    owner.commit(&[deliver("d", "first")]).await?;
    let timer = fired(&owner, &dispatcher).await?;
    let retry = Settlement::Retry { attempts: 3, delay: LONG };
    owner.world.redis.settle(&dispatcher, &timer, &retry).await?;
    let entry = owner.next("e2").await?;
    owner.commit_entry(entry, &[deliver("d", "second")], &TraceContext::default()).await?;
    assert!(owner.world.redis.due_timers(&dispatcher, 9).await?.timers.is_empty());
    let timer = owner.world.redis.timer(&dispatcher, "d").await?.expect("it waits");
    assert_eq!((timer.attempts, timer.fields["body"].as_str()), (3, "first"));
    Ok(())
}

/// Delivers once more, and settles that with a mark.
async fn settled(
    owner: &Owner,
    dispatcher: &Fence,
    name: &str,
    version: StreamId,
    dead: bool,
) -> anyhow::Result<()> {
    let entry = owner.next(&format!("e-{name}-{version}-{dead}")).await?;
    owner.commit_entry(entry, &[deliver("d", "x")], &TraceContext::default()).await?;
    let timer = fired(owner, dispatcher).await?;
    let (tenant, profile, trace) = (tenant(), id("ann"), TraceContext::default());
    let mark = Some(DeliveredMark { tenant: &tenant, profile: &profile, name, version, life: LONG });
    let settlement = if dead {
        Settlement::Dead { tenant: &tenant, letter: Vec::new(), trace: &trace, mark }
    } else {
        Settlement::Done { mark }
    };
    for outcome in [Committed::Done, Committed::Already] {
        assert_eq!(owner.world.redis.settle(dispatcher, &timer, &settlement).await?, outcome);
    }
    Ok(())
}

#[tokio::test]
async fn what_was_delivered_is_told_for_the_window_and_never_taken_back() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let dispatcher = owner.world.own("dispatcher").await?;
    let found = async || owner.world.redis.delivered(P, &tenant(), &id("ann")).await;
    assert!(found().await?.is_empty());
    let at = |ms| StreamId::new(ms, 0);
    let steps = [
        (at(5), false, (at(5), false)),
        (at(4), true, (at(5), false)),
        (at(5), true, (at(5), false)),
        (at(6), true, (at(6), true)),
        (at(6), false, (at(6), false)),
        (at(10), false, (at(10), false)),
    ];
    for (version, dead, (then, given_up)) in steps {
        settled(&owner, &dispatcher, "crm", version, dead).await?;
        assert_eq!(found().await?["crm"], Delivered { version: then, dead: given_up }, "{version} {dead}");
    }
    settled(&owner, &dispatcher, "mail list", StreamId::default(), false).await?;
    let none = Delivered { version: StreamId::default(), dead: false };
    assert_eq!(found().await?["mail list"], none, "a direct delivery that came without a change");
    let life: i64 = owner.world.raw(&["PTTL", &key("delivered:demo:ann")]).await?;
    assert!(life > 0 && life <= 600_000, "{life}");
    assert_eq!(owner.world.length(Stream::Dead).await?, 3);
    Ok(())
}

#[tokio::test]
async fn of_very_many_direct_deliveries_the_oldest_are_forgotten() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let dispatcher = owner.world.own("dispatcher").await?;
    let marks = key("delivered:demo:ann");
    for n in 0..256 {
        owner.world.raw::<()>(&["HSET", &marks, &format!("old{n}"), &format!("9-0 DONE {n}")]).await?;
    }
    settled(&owner, &dispatcher, "new", StreamId::new(1, 0), false).await?;
    let kept = owner.world.redis.delivered(P, &tenant(), &id("ann")).await?;
    assert_eq!(kept.len(), 192);
    assert!(kept.contains_key("new") && kept.contains_key("old255") && !kept.contains_key("old0"));
    Ok(())
}

#[tokio::test]
async fn damaged_marks_settle_nothing() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let dispatcher = owner.world.own("dispatcher").await?;
    owner.commit(&[deliver("d", "x")]).await?;
    let timer = fired(&owner, &dispatcher).await?;
    owner.world.raw::<()>(&["SET", &key("delivered:demo:ann"), "damaged"]).await?;
    let before = owner.world.everything().await?;
    let (tenant, profile) = (tenant(), id("ann"));
    let version = StreamId::new(1, 0);
    let mark = Some(DeliveredMark { tenant: &tenant, profile: &profile, name: "crm", version, life: LONG });
    let done = Settlement::Done { mark };
    assert!(owner.world.redis.settle(&dispatcher, &timer, &done).await.is_err());
    assert_eq!(owner.world.everything().await?, before);
    Ok(())
}
