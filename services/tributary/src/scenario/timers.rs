//! The timers of the dispatcher, in memory: a quiet period that restarts with each version, and a longest wait that does
//! not (docs/protocol.md §6). Deliveries always succeed here, so there are no retries.

use std::{collections::BTreeMap, time::Duration};

use tributary_model::{StreamId, Time};

/// What waits to be sent.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeMap<String, Timer>);

/// One delivery that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timer {
    pub(super) due: Time,
    first: Time,
    version: StreamId,
    /// What it carries: whom to send where.
    pub(super) fields: BTreeMap<&'static str, String>,
}

/// A version of a profile, and how long it may wait.
pub(super) struct Schedule {
    pub(super) timer: String,
    pub(super) quiet: Duration,
    pub(super) longest: Duration,
    pub(super) version: StreamId,
    pub(super) fields: Vec<(&'static str, String)>,
}

impl Timers {
    /// Puts a timer off, or makes it. A version that is not newer than the scheduled one is ignored.
    pub(super) fn schedule(&mut self, schedule: Schedule, now: Time) {
        let Schedule { timer, quiet, longest, version, fields } = schedule;
        let old = self.0.get(&timer);
        if old.is_some_and(|old| old.version >= version) {
            return;
        }
        let first = old.map_or(now, |old| old.first);
        let due = now.plus(quiet).min(first.plus(longest));
        self.0.insert(timer, Timer { due, first, version, fields: fields.into_iter().collect() });
    }

    /// When the first one is due.
    pub(super) fn first_due(&self) -> Option<Time> {
        self.0.values().map(|timer| timer.due).min()
    }

    /// Takes the timer that is due first, if one is due by then.
    pub(super) fn next_due(&mut self, by: Time) -> Option<Timer> {
        let (id, timer) = self.0.iter().min_by_key(|(id, timer)| (timer.due, *id))?;
        if timer.due > by {
            return None;
        }
        let id = id.clone();
        self.0.remove(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    fn schedule(timers: &mut Timers, timer: &str, version: u64, now: i64) {
        let (quiet, longest) = (Duration::from_secs(2), Duration::from_secs(5));
        let version = StreamId::new(version, 0);
        timers
            .schedule(Schedule { timer: timer.into(), quiet, longest, version, fields: Vec::new() }, at(now));
    }

    #[test]
    fn each_version_restarts_the_quiet_period_and_none_the_longest_wait() {
        let mut timers = Timers::default();
        schedule(&mut timers, "a", 1, 0);
        assert_eq!(timers.next_due(at(1)), None);
        schedule(&mut timers, "a", 2, 1);
        schedule(&mut timers, "a", 3, 2);
        assert_eq!(timers.next_due(at(3)), None, "it is not quiet yet");
        schedule(&mut timers, "a", 4, 4);
        assert_eq!(timers.next_due(at(9)).map(|timer| timer.due), Some(at(5)), "the longest wait is over");
        assert_eq!(timers.next_due(at(9)), None, "once");
    }

    #[test]
    fn a_version_that_is_not_newer_changes_nothing() {
        let mut timers = Timers::default();
        schedule(&mut timers, "a", 2, 0);
        schedule(&mut timers, "a", 2, 1);
        schedule(&mut timers, "a", 1, 1);
        assert_eq!(timers.next_due(at(9)).map(|timer| timer.due), Some(at(2)));
    }

    #[test]
    fn the_one_that_is_due_first_comes_first() {
        let mut timers = Timers::default();
        schedule(&mut timers, "b", 1, 0);
        schedule(&mut timers, "a", 1, 1);
        let due: Vec<Time> = std::iter::from_fn(|| timers.next_due(at(9))).map(|timer| timer.due).collect();
        assert_eq!(due, [at(2), at(3)]);
    }
}
