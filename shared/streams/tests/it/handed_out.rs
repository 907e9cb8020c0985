//! Paused runs whose time has come are handed out, a bounded number of times; what an id that is used again names is told
//! apart (§6).

use crate::commit::Owner;
use crate::paused::pause;
use crate::payload::{Payload, change_set, id};
use crate::world::{LONG, P, key, seen, tenant};
use std::time::Duration;
use tributary_model::{EventId, StreamId, TraceContext};
use tributary_streams::{
    AppendedEvent, Effect, Ending, HandedOut, Progress, RunCommitted, Stream, StreamsError, Subject,
};

const NOW: Duration = Duration::ZERO;

fn resume(timer: &str) -> Effect {
    Effect::Resume { timer: timer.to_owned(), profile: id("ann") }
}

async fn listed(owner: &Owner) -> anyhow::Result<Vec<String>> {
    let paused = owner.world.redis.paused(P, &tenant(), &id("ann")).await?;
    Ok(paused.into_iter().map(|paused| paused.timer).collect())
}

#[tokio::test]
async fn each_time_that_a_run_is_handed_out_counts_until_it_pauses_anew() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let redis = &owner.world.redis;
    let hand_out = async |timer| redis.hand_out(&owner.fence, timer).await;
    owner.commit(&[pause("t", NOW, &[]), pause("beside", NOW, &[])]).await?;
    for times in 1..=3 {
        assert_eq!(hand_out("t").await?, HandedOut::Times(times));
    }
    assert_eq!(hand_out("beside").await?, HandedOut::Times(1));
    let carried = redis.paused_run(&owner.fence, "t").await?.expect("it waits");
    assert_eq!((carried.attempts, carried.fields.len()), (3, 1), "{carried:?}");
    let entry = owner.next("e2").await?;
    owner.commit_entry(entry, &[pause("t", NOW, &[])], &TraceContext::default()).await?;
    assert_eq!(hand_out("t").await?, HandedOut::Times(1));
    assert_eq!(hand_out("never-made").await?, HandedOut::Gone);
    owner.world.raw::<()>(&["DEL", &key("timer:t")]).await?;
    assert_eq!(hand_out("t").await?, HandedOut::Bare);
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_postponed_is_due_later_and_counted_anew() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let redis = &owner.world.redis;
    owner.commit(&[pause("t", NOW, &["purchase"])]).await?;
    redis.hand_out(&owner.fence, "t").await?;
    redis.postpone(&owner.fence, "t", LONG).await?;
    let due = redis.due_timers(&owner.fence, 9).await?;
    assert!(due.timers.is_empty() && due.next.is_some_and(|next| next > LONG / 2), "{due:?}");
    let carried = redis.paused_run(&owner.fence, "t").await?.expect("it waits");
    assert_eq!(carried.attempts, 0);
    assert_eq!(listed(&owner).await?, ["t"], "an event may make it go on meanwhile");
    redis.postpone(&owner.fence, "gone", LONG).await?;
    let timers: usize = owner.world.raw(&["ZCARD", &key("timers:workflow")]).await?;
    assert_eq!(timers, 1, "what is gone stays gone");
    Ok(())
}

#[tokio::test]
async fn a_former_owner_neither_hands_out_nor_postpones() -> anyhow::Result<()> {
    let mut owner = Owner::with_event("e1").await?;
    owner.commit(&[pause("t", NOW, &[])]).await?;
    let former = owner.fence.clone();
    owner.fence = owner.world.take_over(&former).await?;
    let before = owner.world.everything().await?;
    let redis = &owner.world.redis;
    assert!(matches!(redis.hand_out(&former, "t").await, Err(StreamsError::Fenced)));
    assert!(matches!(redis.postpone(&former, "t", LONG).await, Err(StreamsError::Fenced)));
    assert_eq!(owner.world.everything().await?, before);
    Ok(())
}

#[tokio::test]
async fn many_runs_are_read_in_the_order_in_which_they_are_named() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    owner.commit(&[pause("a", LONG, &[]), pause("b", LONG, &[])]).await?;
    let found = owner.world.redis.paused_runs(&owner.fence, &["b", "gone", "a"]).await?;
    let states: Vec<_> =
        found.iter().map(|one| one.as_ref().map(|one| one.fields["state"].as_slice())).collect();
    assert_eq!(states, [Some(b"b".as_slice()), None, Some(b"a")]);
    assert!(owner.world.redis.paused_runs(&owner.fence, &[]).await?.is_empty());
    Ok(())
}

/// Whatever ids runs have: what this very commit pauses stays.
#[tokio::test]
async fn a_commit_never_takes_off_what_it_pauses_itself() -> anyhow::Result<()> {
    for turned in [false, true] {
        let owner = Owner::with_event("e1").await?;
        owner.commit(&[pause("t", NOW, &["purchase"])]).await?;
        let entry = owner.next("e2").await?;
        let mut effects = vec![pause("t", LONG, &["purchase"]), resume("t")];
        if turned {
            effects.reverse();
        }
        let committed = owner.commit_run(Owner::gate(entry), None, &effects).await?;
        assert!(matches!(committed, RunCommitted::Done { .. }), "{committed:?}");
        assert_eq!(listed(&owner).await?, ["t"]);
        assert!(owner.world.redis.paused_run(&owner.fence, "t").await?.is_some());
        let due = owner.world.redis.due_timers(&owner.fence, 9).await?;
        assert!(due.timers.is_empty() && due.next.is_some(), "{due:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_effect_under_another_trace_carries_that_one_on() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let trace = |name: &str| TraceContext { traceparent: name.to_owned(), ..TraceContext::default() };
    let of = |profile: &str| Effect::Changes {
        subject: Subject::Profile(id(profile)),
        cause: "e1/2".into(),
        set: change_set("w", &id(profile)),
    };
    let under = Effect::Under { trace: trace("of-another"), effect: Box::new(of("bob")) };
    owner.commit_entry(owner.entry, &[of("ann"), under], &trace("own")).await?;
    let entries = owner.world.redis.tail(P, Stream::Changes, StreamId::default(), 9).await?;
    let traces: Vec<&str> = entries.iter().skip(1).map(|entry| entry.trace.traceparent.as_str()).collect();
    assert_eq!(traces, ["own", "of-another"]);
    Ok(())
}

/// A delivery of a run that changes nothing has the version that whoever waits for its event waits for.
#[tokio::test]
async fn what_is_sent_has_the_version_that_the_end_of_its_event_tells() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let dispatcher = owner.world.own("dispatcher").await?;
    let event = EventId::new("e1")?;
    let end = Effect::Seen {
        event: event.clone(),
        entry: owner.entry,
        ending: Ending::Done,
        outcome: Vec::new(),
        announce: false,
        life: LONG,
    };
    owner.commit(&[Effect::Deliver { timer: "d".into(), fields: Vec::new() }, end]).await?;
    let sent = owner.world.redis.timer(&dispatcher, "d").await?.expect("it is due").version;
    let progress = owner.world.redis.progress(P, &tenant(), &event).await?;
    let Progress::Ended { version, .. } = progress else { anyhow::bail!("{progress:?}") };
    assert_eq!(sent, version);
    assert_eq!(sent, owner.world.ids(Stream::Changes).await?[0]);

    // The same id again, after the window: its version is another one.
    owner.world.raw::<()>(&["DEL", &seen("e1")]).await?;
    let again = Payload::of("ann", &["e1"]).outcomes(&owner.world.redis).await?;
    assert!(matches!(again[0], AppendedEvent::Accepted { .. }), "{again:?}");
    assert!(sent < *owner.world.ids(Stream::Changes).await?.last().expect("it was appended"));
    Ok(())
}

#[tokio::test]
async fn many_events_are_looked_for_at_once() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let names = [EventId::new("never")?, EventId::new("e1")?];
    let progress = owner.world.redis.progress_of(P, &tenant(), &[&names[0], &names[1]]).await?;
    assert_eq!(progress, [Progress::Unknown, Progress::Waiting { entry: owner.entry }]);
    assert!(owner.world.redis.progress_of(P, &tenant(), &[]).await?.is_empty());
    Ok(())
}
