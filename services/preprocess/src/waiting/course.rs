//! What one event still waits for. Pure.

use prost::Message as _;
use std::collections::HashMap;
use tributary_config::WaitFor;
use tributary_model::{EventId, StreamId};
use tributary_proto::v1;
use tributary_streams::{Delivered, Ending, Progress};

/// An event that is waited for.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Its id.
    pub event: EventId,
    /// Its place in `{p}:events`. An id that was used again is another event.
    pub entry: StreamId,
    /// How far it is to come; more than ACCEPTED.
    pub level: WaitFor,
    /// The profile's version with what the event itself changed.
    pub version: StreamId,
    /// The place of the last changes that were appended with it.
    pub last_change: StreamId,
}

/// How far an event has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waited {
    /// The level that it has reached.
    pub reached: WaitFor,
    /// What came of waiting; none where nothing was waited for.
    pub wait: Option<v1::WaitOutcome>,
    /// What its workflows came to, where they have run.
    pub outcome: Option<v1::Outcome>,
}

/// What has to be looked at next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Whether its workflows have run.
    End,
    /// How far the collector has come.
    Stored,
    /// What the dispatcher has sent.
    Delivered,
}

/// One event on its way.
#[derive(Debug)]
pub(super) struct Course {
    expected: Expected,
    reached: WaitFor,
    /// Where there is nothing left to wait for.
    over: Option<v1::WaitOutcome>,
    outcome: Option<v1::Outcome>,
}

impl Course {
    pub(super) fn new(expected: Expected) -> Self {
        let mut course = Self { expected, reached: WaitFor::Accepted, over: None, outcome: None };
        course.reach(WaitFor::Accepted);
        course
    }

    pub(super) fn event(&self) -> &EventId {
        &self.expected.event
    }

    /// `None`: nothing any more.
    pub(super) fn need(&self) -> Option<Need> {
        match (self.over, self.reached) {
            (Some(_), _) | (None, WaitFor::Delivered) => None,
            (None, WaitFor::Accepted) => Some(Need::End),
            (None, WaitFor::Workflow) => Some(Need::Stored),
            (None, WaitFor::Stored) => Some(Need::Delivered),
        }
    }

    /// What its `seen` says.
    pub(super) fn ended(&mut self, progress: Progress) {
        match progress {
            Progress::Waiting { entry } if entry == self.expected.entry => {}
            Progress::Ended { entry, ending, version, outcome } if entry == self.expected.entry => {
                match ending {
                    Ending::Done => {
                        self.expected.version = self.expected.version.max(version);
                        self.expected.last_change = self.expected.last_change.max(version);
                        self.outcome = decoded(&outcome);
                        self.reach(WaitFor::Workflow);
                    }
                    Ending::Dead => self.over = Some(v1::WaitOutcome::Dead),
                }
            }
            // Forgotten, or of another event with the same id: nobody can tell any more.
            Progress::Unknown | Progress::Waiting { .. } | Progress::Ended { .. } => {
                self.over = Some(v1::WaitOutcome::TimedOut);
            }
        }
    }

    /// Every change of the partition up to `upto`, and the events that they belong to, are in Postgres.
    pub(super) fn stored(&mut self, upto: StreamId) {
        if upto >= self.expected.last_change {
            self.reach(WaitFor::Stored);
        }
    }

    /// What was sent of the profile, or was given up on: by destination, and by the key of what workflows sent. What an earlier
    /// event of the same id sent has the same key, and an older version.
    pub(super) fn delivered(&mut self, marks: &HashMap<String, Delivered>, destinations: &[String]) {
        let keys = self.outcome.iter().flat_map(|outcome| &outcome.delivery_keys);
        let ended = |name: &String| {
            let mark = marks.get(name).filter(|mark| mark.version >= self.expected.version);
            mark.map(|mark| mark.dead)
        };
        let dead: Option<Vec<bool>> = destinations.iter().chain(keys).map(ended).collect();
        match dead {
            None => {}
            Some(dead) if dead.contains(&true) => self.over = Some(v1::WaitOutcome::Dead),
            Some(_) => self.reach(WaitFor::Delivered),
        }
    }

    /// How far it has come, whether that is far enough or not.
    pub(super) fn over(self) -> Waited {
        let wait = self.over.unwrap_or(v1::WaitOutcome::TimedOut);
        Waited { reached: self.reached, wait: Some(wait), outcome: self.outcome }
    }

    fn reach(&mut self, level: WaitFor) {
        self.reached = level;
        if level >= self.expected.level {
            self.over = Some(v1::WaitOutcome::Reached);
        }
    }
}

fn decoded(outcome: &[u8]) -> Option<v1::Outcome> {
    let decoded = v1::Outcome::decode(outcome);
    decoded.inspect_err(|error| tracing::warn!(%error, "what an event came to cannot be read")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> StreamId {
        StreamId::new(ms, 0)
    }

    fn course(level: WaitFor) -> Course {
        let event = EventId::new("e").unwrap();
        Course::new(Expected { event, entry: at(10), level, version: at(8), last_change: at(9) })
    }

    fn done(version: u64, outcome: &v1::Outcome) -> Progress {
        let outcome = outcome.encode_to_vec();
        Progress::Ended { entry: at(10), ending: Ending::Done, version: at(version), outcome }
    }

    fn told(course: Course) -> (WaitFor, Option<v1::WaitOutcome>) {
        let waited = course.over();
        (waited.reached, waited.wait)
    }

    #[test]
    fn each_level_asks_for_what_lies_before_it_and_no_more() {
        let marks = HashMap::from([("crm".to_owned(), Delivered { version: at(12), dead: false })]);
        for level in [WaitFor::Workflow, WaitFor::Stored, WaitFor::Delivered] {
            let mut course = course(level);
            let mut needs = Vec::new();
            while let Some(need) = course.need() {
                needs.push(need);
                match need {
                    Need::End => course.ended(done(12, &v1::Outcome::default())),
                    Need::Stored => course.stored(at(12)),
                    Need::Delivered => course.delivered(&marks, &["crm".to_owned()]),
                }
            }
            let all = [Need::End, Need::Stored, Need::Delivered];
            let steps = match level {
                WaitFor::Accepted => 0,
                WaitFor::Workflow => 1,
                WaitFor::Stored => 2,
                WaitFor::Delivered => 3,
            };
            assert_eq!(needs, all[..steps]);
            assert_eq!(told(course), (level, Some(v1::WaitOutcome::Reached)));
        }
    }

    #[test]
    fn only_the_end_of_the_very_entry_counts() {
        let mut waits = course(WaitFor::Workflow);
        waits.ended(Progress::Waiting { entry: at(10) });
        assert_eq!(waits.need(), Some(Need::End));
        let other = |ending| Progress::Ended { entry: at(11), ending, version: at(12), outcome: Vec::new() };
        for unknown in
            [Progress::Unknown, Progress::Waiting { entry: at(11) }, other(Ending::Done), other(Ending::Dead)]
        {
            let mut course = course(WaitFor::Workflow);
            course.ended(unknown);
            assert_eq!(course.need(), None, "nothing will ever be known");
            assert_eq!(told(course), (WaitFor::Accepted, Some(v1::WaitOutcome::TimedOut)));
        }
    }

    #[test]
    fn an_event_that_was_given_up_on_says_so_whatever_was_asked_for() {
        for level in [WaitFor::Workflow, WaitFor::Delivered] {
            let mut course = course(level);
            let (ending, outcome) = (Ending::Dead, Vec::new());
            course.ended(Progress::Ended { entry: at(10), ending, version: at(0), outcome });
            assert_eq!(told(course), (WaitFor::Accepted, Some(v1::WaitOutcome::Dead)));
        }
    }

    #[test]
    fn stored_is_what_lies_behind_the_changes_of_the_event_and_of_its_workflows() {
        for (changed_by_workflows, enough) in [(0, 9), (12, 12)] {
            let mut course = course(WaitFor::Stored);
            course.ended(done(changed_by_workflows, &v1::Outcome::default()));
            course.stored(at(enough - 1));
            assert_eq!(course.need(), Some(Need::Stored));
            course.stored(at(enough));
            assert_eq!(told(course), (WaitFor::Stored, Some(v1::WaitOutcome::Reached)));
        }
    }

    #[test]
    fn delivered_is_what_every_destination_has_and_every_key_of_workflows() {
        let outcome = v1::Outcome { delivery_keys: vec!["e/w/n".to_owned()], ..v1::Outcome::default() };
        let destinations = ["crm", "mail"].map(str::to_owned);
        let after = |marks: &[(&str, u64, bool)]| {
            let mut course = course(WaitFor::Delivered);
            course.ended(done(12, &outcome));
            course.stored(at(20));
            let mark = |(name, version, dead): &(&str, u64, bool)| {
                ((*name).to_owned(), Delivered { version: at(*version), dead: *dead })
            };
            course.delivered(&marks.iter().map(mark).collect(), &destinations);
            told(course)
        };
        use v1::WaitOutcome::{Dead, Reached, TimedOut};
        let (key, mail) = (("e/w/n", 12, false), ("mail", 30, false));
        assert_eq!(after(&[key, mail, ("crm", 12, false)]), (WaitFor::Delivered, Some(Reached)));
        assert_eq!(
            after(&[key, mail, ("crm", 11, false)]),
            (WaitFor::Stored, Some(TimedOut)),
            "an older one"
        );
        assert_eq!(after(&[key, mail]), (WaitFor::Stored, Some(TimedOut)));
        assert_eq!(after(&[mail, ("crm", 12, false)]), (WaitFor::Stored, Some(TimedOut)));
        assert_eq!(after(&[key, mail, ("crm", 12, true)]), (WaitFor::Stored, Some(Dead)));
        let given_up = ("e/w/n", 12, true);
        assert_eq!(after(&[given_up, mail, ("crm", 12, false)]), (WaitFor::Stored, Some(Dead)));
        for of_an_earlier_event in [("e/w/n", 7, false), ("e/w/n", 7, true)] {
            let marks = [of_an_earlier_event, mail, ("crm", 12, false)];
            assert_eq!(after(&marks), (WaitFor::Stored, Some(TimedOut)), "the id was used before");
        }
        assert_eq!(
            after(&[key, ("crm", 12, true)]),
            (WaitFor::Stored, Some(TimedOut)),
            "mail may yet take it"
        );
    }
}
