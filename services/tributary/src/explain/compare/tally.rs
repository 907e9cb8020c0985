//! How often each way was taken, and each thing done, on both sides.

use std::collections::BTreeMap;

use tributary_workflow::subject::Subject;

use super::side::Did;

/// Events that stand for all.
const SAMPLES: usize = 3;

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) paths: BTreeMap<(String, String), Count>,
    pub(super) results: BTreeMap<(String, String), Count>,
    /// For how many events the two differ.
    pub(super) differ: usize,
    /// Events that no workflow sees: they do not fit their Schema, or an import recorded them.
    pub(super) left_out: usize,
}

/// How often, and for whom.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) running: usize,
    pub(super) changed: usize,
    differing: Vec<Sample>,
    alike: Vec<Sample>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) event_id: String,
    pub(super) profile_id: String,
}

impl Count {
    /// Events for which both differ in it; where there are none, any.
    pub(super) fn samples(&self) -> &[Sample] {
        if self.differing.is_empty() { &self.alike } else { &self.differing }
    }

    /// How many more there would be.
    pub(super) fn difference(&self) -> i64 {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        number(self.changed) - number(self.running)
    }
}

impl Tally {
    /// One event more.
    pub(super) fn add(&mut self, event: &Subject, running: Did, changed: Did) {
        if !event.takes_part() {
            self.left_out += 1;
            return;
        }
        if running != changed {
            self.differ += 1;
        }
        let sample = Sample { event_id: event.id.to_string(), profile_id: event.profile.to_string() };
        count(&mut self.paths, &running.paths, &changed.paths, &sample);
        count(&mut self.results, &running.results, &changed.results, &sample);
    }
}

type Counts = BTreeMap<(String, String), usize>;

fn count(all: &mut BTreeMap<(String, String), Count>, running: &Counts, changed: &Counts, sample: &Sample) {
    let names = running.keys().chain(changed.keys().filter(|name| !running.contains_key(*name)));
    for name in names {
        let of = |side: &Counts| side.get(name).copied().unwrap_or_default();
        let entry = all.entry(name.clone()).or_default();
        entry.running += of(running);
        entry.changed += of(changed);
        let samples = if of(running) == of(changed) { &mut entry.alike } else { &mut entry.differing };
        if samples.len() < SAMPLES {
            samples.push(sample.clone());
        }
    }
}
