//! Timers: due once it was quiet, or after the longest wait; settled once (§6).

use crate::commit::Owner;
use crate::world::{LONG, P, key, tenant};
use std::time::Duration;
use tributary_model::{StreamId, TraceContext};
use tributary_streams::{Committed, Effect, Settlement, Stream, Timer};

pub(crate) const DONE: Settlement<'static> = Settlement::Done { mark: None };
const QUIET: Duration = Duration::from_secs(100);
const LONGEST: Duration = Duration::from_secs(300);

/// Schedules the timer by committing one more entry; answers the version.
async fn schedule(owner: &Owner, event: &str, quiet: Duration) -> anyhow::Result<StreamId> {
    schedule_with(owner, event, quiet, None, "").await
}

async fn schedule_with(
    owner: &Owner,
    event: &str,
    quiet: Duration,
    version: Option<StreamId>,
    traceparent: &str,
) -> anyhow::Result<StreamId> {
    let entry = owner.next(event).await?;
    let version = version.unwrap_or(entry);
    let effect = Effect::Debounce {
        timer: "t".into(),
        quiet,
        longest: LONGEST,
        version,
        fields: vec![("event", event.to_owned())],
    };
    let trace = TraceContext { traceparent: traceparent.into(), tracestate: String::new() };
    owner.commit_entry(entry, &[effect], &trace).await?;
    Ok(version)
}

async fn timer(owner: &Owner) -> anyhow::Result<Option<Timer>> {
    Ok(owner.world.redis.timer(&owner.fence, "t").await?)
}

async fn fired(owner: &Owner) -> anyhow::Result<Timer> {
    let due = owner.world.redis.due_timers(&owner.fence, 9).await?;
    assert_eq!(due.timers, ["t"]);
    timer(owner).await?.ok_or_else(|| anyhow::anyhow!("a due timer without content"))
}

async fn is_due(owner: &Owner) -> anyhow::Result<bool> {
    Ok(!owner.world.redis.due_timers(&owner.fence, 9).await?.timers.is_empty())
}

async fn settle(owner: &Owner, timer: &Timer, settlement: Settlement<'_>) -> anyhow::Result<Committed> {
    Ok(owner.world.redis.settle(&owner.fence, timer, &settlement).await?)
}

/// How long from now the timer is due, by the clock of Redis.
async fn due_in(owner: &Owner) -> anyhow::Result<Duration> {
    let due: f64 = owner.world.raw(&["ZSCORE", &key("timers:workflow"), "t"]).await?;
    let clock: (u64, u64) = owner.world.raw(&["TIME"]).await?;
    let now = clock.0 * 1000 + clock.1 / 1000;
    Ok(Duration::from_millis((due as u64).saturating_sub(now)))
}

/// Lets time pass: all that the timer remembers lies further back.
async fn pass(owner: &Owner, time: Duration) -> anyhow::Result<()> {
    let millis = format!("-{}", time.as_millis());
    let world = &owner.world;
    world.raw::<()>(&["ZINCRBY", &key("timers:workflow"), &millis, "t"]).await?;
    world.raw(&["HINCRBY", &key("timer:t"), "first", &millis]).await
}

fn about(found: Duration, wanted: Duration) -> bool {
    found <= wanted && found + Duration::from_secs(30) > wanted
}

#[tokio::test]
async fn the_quiet_period_begins_anew_with_each_version_and_the_longest_wait_does_not() -> anyhow::Result<()>
{
    let owner = Owner::with_event("e0").await?;
    schedule(&owner, "e1", QUIET).await?;
    assert!(about(due_in(&owner).await?, QUIET));
    for event in ["e2", "e3"] {
        pass(&owner, Duration::from_secs(90)).await?;
        schedule(&owner, event, QUIET).await?;
        assert!(about(due_in(&owner).await?, QUIET), "{event} restarts the quiet period");
    }
    pass(&owner, Duration::from_secs(90)).await?;
    schedule(&owner, "e4", QUIET).await?;
    assert!(
        about(due_in(&owner).await?, LONGEST - Duration::from_secs(270)),
        "the first has waited for 270 s"
    );
    pass(&owner, Duration::from_secs(40)).await?;
    schedule(&owner, "e5", QUIET).await?;
    assert!(is_due(&owner).await?);
    Ok(())
}

#[tokio::test]
async fn a_timer_is_due_when_its_time_has_come_and_the_next_one_is_told() -> anyhow::Result<()> {
    let owner = Owner::with_event("e0").await?;
    assert_eq!(owner.world.redis.due_timers(&owner.fence, 9).await?.next, None);
    schedule(&owner, "e1", QUIET).await?;
    let due = owner.world.redis.due_timers(&owner.fence, 9).await?;
    assert!(due.timers.is_empty());
    assert!(due.next.is_some_and(|next| about(next, QUIET)), "{due:?}");
    pass(&owner, QUIET).await?;
    assert!(is_due(&owner).await?);
    Ok(())
}

#[tokio::test]
async fn an_older_version_changes_nothing() -> anyhow::Result<()> {
    let owner = Owner::with_event("e0").await?;
    let newer = StreamId::new(u64::from(u32::MAX) * 1000, 0);
    schedule_with(&owner, "e1", QUIET, Some(newer), "").await?;
    let before = timer(&owner).await?.expect("it was scheduled");
    for version in [newer, StreamId::new(newer.ms - 1, 9)] {
        let event = format!("e-{version}");
        schedule_with(&owner, &event, Duration::ZERO, Some(version), "").await?;
        assert!(!is_due(&owner).await?, "{version}");
    }
    let after = timer(&owner).await?.expect("it is still there");
    assert_eq!((after.version, after.seq, after.fields), (before.version, before.seq, before.fields));
    Ok(())
}

#[tokio::test]
async fn a_timer_carries_the_newest_content_and_links_the_traces_before_it() -> anyhow::Result<()> {
    let owner = Owner::with_event("e0").await?;
    let trace = |n: usize| format!("00-{n:032x}-{n:016x}-01");
    for n in 1..=40 {
        schedule_with(&owner, &format!("e{n}"), QUIET, None, &trace(n)).await?;
    }
    let timer = timer(&owner).await?.expect("it was scheduled");
    assert_eq!(timer.fields.get("event").map(String::as_str), Some("e40"));
    assert_eq!(timer.trace.traceparent, trace(40));
    assert_eq!(timer.links, (1..=32).map(trace).collect::<Vec<_>>(), "no more than 32");
    Ok(())
}

#[tokio::test]
async fn a_timer_that_is_done_is_gone_and_done_once() -> anyhow::Result<()> {
    let owner = Owner::with_event("e0").await?;
    schedule(&owner, "e1", Duration::ZERO).await?;
    let first = fired(&owner).await?;
    assert_eq!(settle(&owner, &first, DONE).await?, Committed::Done);
    assert!(!is_due(&owner).await?);
    assert!(timer(&owner).await?.is_none());
    assert_eq!(settle(&owner, &first, DONE).await?, Committed::Already);
    let retry = Settlement::Retry { attempts: 1, delay: LONG };
    assert_eq!(
        settle(&owner, &first, retry).await?,
        Committed::Already,
        "a late failure brings nothing back"
    );
    assert!(timer(&owner).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn news_that_came_while_it_fired_are_not_settled_with_it() -> anyhow::Result<()> {
    let owner = Owner::with_event("e0").await?;
    schedule(&owner, "e1", Duration::ZERO).await?;
    let first = fired(&owner).await?;
    let version = schedule(&owner, "e2", QUIET).await?;
    assert_eq!(settle(&owner, &first, DONE).await?, Committed::Done);
    let left = timer(&owner).await?.expect("the newer schedule stays");
    assert_eq!((left.version, left.attempts), (version, 0));
    assert!(about(due_in(&owner).await?, QUIET));
    assert_eq!(settle(&owner, &first, DONE).await?, Committed::Already);
    assert!(timer(&owner).await?.is_some());
    Ok(())
}

#[tokio::test]
async fn a_settlement_sent_again_spares_what_was_scheduled_after_it() -> anyhow::Result<()> {
    let owner = Owner::with_event("e0").await?;
    let (tenant, trace) = (tenant(), TraceContext::default());
    let all = || {
        let dead = Settlement::Dead { tenant: &tenant, letter: Vec::new(), trace: &trace, mark: None };
        [DONE, dead, Settlement::Retry { attempts: 1, delay: LONG }]
    };
    schedule(&owner, "e1", Duration::ZERO).await?;
    let first = fired(&owner).await?;
    settle(&owner, &first, DONE).await?;
    // Its reply is lost; the next versions come before it is sent again.
    for event in ["e2", "e3"] {
        schedule(&owner, event, QUIET).await?;
        let before = owner.world.everything().await?;
        for settlement in all() {
            assert_eq!(settle(&owner, &first, settlement).await?, Committed::Already, "{event}");
        }
        assert_eq!(owner.world.everything().await?, before, "{event}");
    }
    Ok(())
}

#[tokio::test]
async fn a_retry_keeps_its_time_when_news_come() -> anyhow::Result<()> {
    let owner = Owner::with_event("e0").await?;
    schedule(&owner, "e1", Duration::ZERO).await?;
    let first = fired(&owner).await?;
    let retry = Settlement::Retry { attempts: 3, delay: LONG };
    assert_eq!(settle(&owner, &first, retry).await?, Committed::Done);
    assert_eq!(timer(&owner).await?.map(|timer| timer.attempts), Some(3));

    let version = schedule(&owner, "e2", Duration::ZERO).await?;
    assert!(about(due_in(&owner).await?, LONG), "news do not hurry a destination in trouble");
    let waiting = timer(&owner).await?.expect("it waits");
    assert_eq!((waiting.version, waiting.attempts), (version, 3), "the retry takes the news along");

    pass(&owner, LONG).await?;
    settle(&owner, &fired(&owner).await?, DONE).await?;
    assert!(timer(&owner).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_dead_letter_is_written_once_with_or_without_news() -> anyhow::Result<()> {
    let owner = Owner::with_event("e0").await?;
    let (tenant, trace) = (tenant(), TraceContext::default());
    let dead =
        || Settlement::Dead { tenant: &tenant, letter: b"given up".to_vec(), trace: &trace, mark: None };
    schedule(&owner, "e1", Duration::ZERO).await?;
    let first = fired(&owner).await?;
    assert_eq!(settle(&owner, &first, dead()).await?, Committed::Done);
    assert_eq!(settle(&owner, &first, dead()).await?, Committed::Already);
    assert!(timer(&owner).await?.is_none());

    schedule(&owner, "e2", Duration::ZERO).await?;
    let second = fired(&owner).await?;
    schedule(&owner, "e3", QUIET).await?;
    assert_eq!(settle(&owner, &second, dead()).await?, Committed::Done);
    assert_eq!(settle(&owner, &second, dead()).await?, Committed::Already);
    assert!(timer(&owner).await?.is_some(), "what came later is tried by itself");

    let letters = owner.world.redis.dead_letters(P, StreamId::default(), 9).await?;
    assert_eq!(letters.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_damaged_dead_letter_stream_settles_nothing() -> anyhow::Result<()> {
    let owner = Owner::with_event("e0").await?;
    schedule(&owner, "e1", Duration::ZERO).await?;
    let first = fired(&owner).await?;
    owner.world.raw::<()>(&["SET", &key(Stream::Dead.name()), "damaged"]).await?;
    let before = owner.world.everything().await?;
    let trace = TraceContext::default();
    let dead = Settlement::Dead { tenant: &tenant(), letter: Vec::new(), trace: &trace, mark: None };
    assert!(settle(&owner, &first, dead).await.is_err());
    assert_eq!(owner.world.everything().await?, before);
    Ok(())
}
