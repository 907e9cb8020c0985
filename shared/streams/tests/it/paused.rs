//! A paused run goes on once: when its time has come, or by an event of its profile (§6).

use crate::commit::{Owner, all_effects};
use crate::payload::{change_set, id};
use crate::world::{P, key, tenant};
use std::collections::HashMap;
use std::time::Duration;
use tributary_model::{StreamId, TraceContext};
use tributary_streams::{
    Committed, Effect, Gate, Group, Paused, RunCommit, RunCommitted, Stream, StreamsError, Subject,
};

const LONG: Duration = Duration::from_secs(600);
const NOW: Duration = Duration::ZERO;
const PURCHASE: Option<&str> = Some("purchase");

pub(crate) fn pause(timer: &str, delay: Duration, awaits: &[&str]) -> Effect {
    Effect::Pause {
        timer: timer.to_owned(),
        profile: id("ann"),
        delay,
        awaits: awaits.iter().map(|one| (*one).to_owned()).collect(),
        fields: vec![("state", timer.as_bytes().to_vec())],
    }
}

fn resume(timer: &str) -> Effect {
    Effect::Resume { timer: timer.to_owned(), profile: id("ann") }
}

fn letter() -> Effect {
    Effect::Dead(b"written".to_vec())
}

/// Commits one more entry that pauses runs.
async fn paused_by(owner: &Owner, event: &str, pauses: &[Effect]) -> anyhow::Result<()> {
    let entry = owner.next(event).await?;
    let done = owner.commit_run(Owner::gate(entry), None, pauses).await?;
    anyhow::ensure!(matches!(done, RunCommitted::Done { .. }), "{done:?}");
    Ok(())
}

async fn timers(owner: &Owner) -> anyhow::Result<Vec<String>> {
    let paused = owner.world.redis.paused(P, &tenant(), &id("ann")).await?;
    Ok(paused.into_iter().map(|paused| paused.timer).collect())
}

fn done(outcome: RunCommitted) -> bool {
    matches!(outcome, RunCommitted::Done { .. })
}

#[tokio::test]
async fn a_paused_run_is_found_with_all_that_it_goes_on_with() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let pause = Effect::Pause {
        timer: "t".into(),
        profile: id("ann"),
        delay: LONG,
        awaits: vec!["purchase".into(), "page-view".into()],
        fields: vec![("state", bytes.clone()), ("empty", Vec::new())],
    };
    let trace = TraceContext { traceparent: "00-aa-bb-01".into(), tracestate: "x=1".into() };
    let redis = &owner.world.redis;
    redis.commit(&owner.fence, Group::Workflow, owner.entry, &tenant(), &[pause], &trace).await?;

    let listed = redis.paused(P, &tenant(), &id("ann")).await?;
    assert_eq!(listed, [Paused { timer: "t".into(), awaits: vec!["purchase".into(), "page-view".into()] }]);
    let kept = redis.paused_run(&owner.fence, "t").await?.expect("it waits");
    assert_eq!(kept.fields, HashMap::from([("state".into(), bytes), ("empty".into(), Vec::new())]));
    assert_eq!(kept.trace, trace);
    let due = redis.due_timers(&owner.fence, 9).await?;
    assert!(due.timers.is_empty() && due.next.is_some_and(|next| next <= LONG && next > LONG / 2), "{due:?}");
    assert_eq!(redis.paused(P, &tenant(), &id("bob")).await?, []);
    assert_eq!(redis.paused_run(&owner.fence, "other").await?, None);
    Ok(())
}

#[tokio::test]
async fn a_paused_run_whose_time_has_come_goes_on_once() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    paused_by(&owner, "e2", &[pause("t", NOW, &[]), pause("other", LONG, &[])]).await?;
    assert_eq!(owner.world.redis.due_timers(&owner.fence, 9).await?.timers, ["t"]);
    let gate = Gate::Timer("t");
    assert!(done(owner.commit_run(gate, None, &[letter()]).await?));
    assert_eq!(timers(&owner).await?, ["other"]);
    assert_eq!(owner.world.redis.paused_run(&owner.fence, "t").await?, None);
    let after = owner.world.everything().await?;
    for _ in 0..3 {
        assert_eq!(owner.commit_run(gate, None, &[letter()]).await?, RunCommitted::Already);
    }
    assert_eq!(owner.world.everything().await?, after);
    Ok(())
}

#[tokio::test]
async fn a_repeat_spares_the_next_pause_of_the_same_run() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    paused_by(&owner, "e2", &[pause("run:0", NOW, &["purchase"])]).await?;
    let goes_on = [letter(), pause("run:1", NOW, &["purchase"])];
    assert!(done(owner.commit_run(Gate::Timer("run:0"), None, &goes_on).await?));
    let after = owner.world.everything().await?;
    assert_eq!(owner.commit_run(Gate::Timer("run:0"), None, &goes_on).await?, RunCommitted::Already);
    assert_eq!(owner.world.everything().await?, after);
    assert_eq!(timers(&owner).await?, ["run:1"]);
    Ok(())
}

#[tokio::test]
async fn an_event_that_is_waited_for_cannot_be_finished_by_whoever_did_not_look() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    paused_by(&owner, "e2", &[pause("t", LONG, &["page-view", "purchase"])]).await?;
    let gate = Owner::gate(owner.entry);
    let before = owner.world.everything().await?;
    for _ in 0..2 {
        assert_eq!(owner.commit_run(gate, PURCHASE, &[letter()]).await?, RunCommitted::Waiters);
        assert_eq!(owner.world.everything().await?, before);
    }
    assert!(done(owner.commit_run(gate, None, &[letter(), resume("t")]).await?), "having looked");
    assert_eq!(timers(&owner).await?, [""; 0]);
    assert_eq!(owner.world.redis.paused_run(&owner.fence, "t").await?, None);
    assert_eq!(owner.world.redis.due_timers(&owner.fence, 9).await?.next, None);
    Ok(())
}

#[tokio::test]
async fn an_event_that_nobody_waits_for_needs_no_look() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let pauses = [pause("t", LONG, &["purchase-begun", "a purchase", "pur"]), pause("time", LONG, &[])];
    paused_by(&owner, "e2", &pauses).await?;
    assert!(done(owner.commit_run(Owner::gate(owner.entry), PURCHASE, &[letter()]).await?));
    assert_eq!(timers(&owner).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn whoever_looked_may_leave_a_waiting_run_alone() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    paused_by(&owner, "e2", &[pause("t", LONG, &["purchase"])]).await?;
    assert!(
        done(owner.commit_run(Owner::gate(owner.entry), None, &[letter()]).await?),
        "its condition failed"
    );
    assert_eq!(timers(&owner).await?, ["t"]);
    Ok(())
}

#[tokio::test]
async fn a_repeat_is_not_kept_up_by_the_run_that_it_paused_itself() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let effects = [letter(), pause("t", LONG, &["purchase"])];
    let gate = Owner::gate(owner.entry);
    assert!(done(owner.commit_run(gate, PURCHASE, &effects).await?));
    assert_eq!(owner.commit_run(gate, PURCHASE, &effects).await?, RunCommitted::Already);
    // So does one that went on by this very event, and is gone therefore.
    let entry = owner.next("e2").await?;
    let goes_on = [letter(), resume("t")];
    assert!(done(owner.commit_run(Owner::gate(entry), None, &goes_on).await?));
    assert_eq!(owner.commit_run(Owner::gate(entry), None, &goes_on).await?, RunCommitted::Already);
    assert_eq!(owner.world.length(Stream::Dead).await?, 2);
    Ok(())
}

#[tokio::test]
async fn an_event_and_a_timer_do_not_both_make_a_run_go_on() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    paused_by(&owner, "e2", &[pause("by-event", NOW, &["purchase"]), pause("by-time", NOW, &["purchase"])])
        .await?;
    let next = owner.next("e3").await?;
    assert!(done(owner.commit_run(Owner::gate(owner.entry), None, &[resume("by-event")]).await?));
    assert_eq!(owner.commit_run(Gate::Timer("by-event"), None, &[letter()]).await?, RunCommitted::Already);
    assert!(done(owner.commit_run(Gate::Timer("by-time"), None, &[]).await?));
    let before = owner.world.everything().await?;
    let late = [letter(), resume("by-time")];
    assert_eq!(owner.commit_run(Owner::gate(next), None, &late).await?, RunCommitted::Waiters);
    assert_eq!(owner.world.everything().await?, before);
    assert_eq!(owner.pending().await?.len(), 1, "the event is run again, without it");
    Ok(())
}

#[tokio::test]
async fn the_run_that_paused_first_comes_first() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    // Longer than Redis keeps in the order in which it came.
    let name = |n: usize| format!("{}:{}", n * 7 % 20, "x".repeat(100));
    let pauses: Vec<Effect> = (0..20).map(|n| pause(&name(n), NOW, &[])).collect();
    paused_by(&owner, "e2", &pauses).await?;
    owner.commit_run(Gate::Timer(&name(3)), None, &[pause("again", LONG, &[])]).await?;
    paused_by(&owner, "e3", &[pause("0", LONG, &[])]).await?;
    let mut expected: Vec<String> = (0..20).filter(|n| *n != 3).map(name).collect();
    expected.extend(["again".to_owned(), "0".to_owned()]);
    assert_eq!(timers(&owner).await?, expected);
    Ok(())
}

#[tokio::test]
async fn a_pause_of_the_same_id_takes_the_place_of_the_former() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let extra = |name| Effect::Pause {
        timer: "t".into(),
        profile: id("ann"),
        delay: LONG,
        awaits: Vec::new(),
        fields: vec![(name, b"x".to_vec())],
    };
    paused_by(&owner, "e2", &[extra("former")]).await?;
    paused_by(&owner, "e3", &[extra("later")]).await?;
    let kept = owner.world.redis.paused_run(&owner.fence, "t").await?.expect("it waits");
    assert_eq!(kept.fields, HashMap::from([("later".into(), b"x".to_vec())]));
    assert_eq!(timers(&owner).await?, ["t"]);
    Ok(())
}

#[tokio::test]
async fn a_new_owner_finds_what_the_former_paused_who_can_do_nothing_more() -> anyhow::Result<()> {
    let mut owner = Owner::with_event("e1").await?;
    paused_by(&owner, "e2", &[pause("t", NOW, &[])]).await?;
    let former = owner.fence.clone();
    owner.fence = owner.world.take_over(&former).await?;
    assert_eq!(owner.world.redis.due_timers(&owner.fence, 9).await?.timers, ["t"]);

    let before = owner.world.everything().await?;
    let effects = [letter()];
    let (tenant, profile, trace) = (&tenant(), &id("ann"), &TraceContext::default());
    for gate in [Gate::Timer("t"), Owner::gate(owner.entry)] {
        let (looked, event_type, effects) = (true, "", effects.as_slice());
        let commit = RunCommit { gate, tenant, profile, looked, event_type, effects, trace };
        let refused = owner.world.redis.commit_run(&former, &commit).await;
        assert!(matches!(refused, Err(StreamsError::Fenced)), "{refused:?}");
    }
    assert_eq!(owner.world.everything().await?, before);
    assert!(done(owner.commit_run(Gate::Timer("t"), None, &[letter()]).await?));
    Ok(())
}

#[tokio::test]
async fn a_damaged_key_refuses_all_that_a_timer_would_write() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let world = &owner.world;
    paused_by(&owner, "e2", &[pause("t", NOW, &[]), pause("gone-on", NOW, &[])]).await?;
    let mut effects = all_effects("e1", owner.entry);
    effects.push(resume("gone-on"));
    let (gate, aside) = (Gate::Timer("t"), key("aside"));
    for name in ["timer:t", "paused:demo:ann", "timer:gone-on", "timers:workflow", "timers:dispatcher"] {
        let damaged = key(name);
        let existed: bool = world.raw(&["EXISTS", &damaged]).await?;
        if existed {
            world.raw::<()>(&["RENAME", &damaged, &aside]).await?;
        }
        world.raw::<()>(&["SET", &damaged, "x"]).await?;
        let before = world.everything().await?;
        let refused = owner.commit_run(gate, None, &effects).await;
        assert!(matches!(refused, Err(StreamsError::Broken(_))), "{name}: {refused:?}");
        assert_eq!(world.everything().await?, before, "{name}");
        world.raw::<()>(&["DEL", &damaged]).await?;
        if existed {
            world.raw::<()>(&["RENAME", &aside, &damaged]).await?;
        }
    }
    assert!(done(owner.commit_run(gate, None, &effects).await?), "the repaired slot takes it");
    Ok(())
}

#[tokio::test]
async fn a_commit_says_which_version_the_profile_has_with_it() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let of = |subject| Effect::Changes { subject, cause: "e1/2".into(), set: change_set("w", &id("ann")) };
    let session = Subject::Session { session: crate::payload::session_id("s"), origin: id("ann") };
    let effects = [of(Subject::Profile(id("ann"))), of(Subject::Profile(id("ann"))), of(session)];
    let committed = owner.commit_run(Owner::gate(owner.entry), None, &effects).await?;
    let ids = owner.world.ids(Stream::Changes).await?;
    assert_eq!(committed, RunCommitted::Done { version: ids[2] });
    let entry = owner.next("e2").await?;
    let nothing = owner.commit_run(Owner::gate(entry), None, &[]).await?;
    assert_eq!(nothing, RunCommitted::Done { version: StreamId::default() });
    Ok(())
}

#[tokio::test]
async fn other_groups_finish_their_entries_whatever_waits() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    paused_by(&owner, "e2", &[pause("t", LONG, &["", "purchase"])]).await?;
    assert_eq!(owner.commit(&[letter()]).await?, Committed::Done);
    Ok(())
}
