//! The comparison: counts side by side, with samples, and what about it is approximate.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tributary_workflow::subject::Subject;

use super::{
    Asked,
    tally::{Count, Tally},
};
use crate::{
    out::{Style, Table},
    read,
};

/// What cannot be known about events that are over.
const APPROXIMATE: [&str; 4] = [
    "profiles and sessions are as they are now, with everything that came after the event, visits left out",
    "what throttle and run_once remember is left out, and no run of an earlier event waits",
    "history (count, sum, last, sequence) is read from the listed events alone",
    "nobody is called: http and grpc nodes are left by error, and a run that pauses ends there",
];

/// All there is to tell.
pub(super) struct Told<'a> {
    pub(super) asked: &'a Asked<'a>,
    /// The revision in force.
    pub(super) revision: String,
    /// Oldest first; at least one.
    pub(super) events: Vec<Subject>,
    /// How many profiles they are of, as far as those are there.
    pub(super) profiles: usize,
    pub(super) tally: Tally,
}

impl Told<'_> {
    /// For people.
    pub(super) fn text(&self, style: Style) -> String {
        let Told { asked, tally, .. } = self;
        let directory = asked.directory.display();
        let mut parts = vec![format!(
            "{} of {} of {}, {} to {}; in force is revision {}, compared with {directory}",
            count(self.events.len(), "event"),
            style.bold(asked.event_type),
            count(self.profiles, "profile"),
            self.time(self.events.first()),
            self.time(self.events.last()),
            self.revision,
        )];
        if tally.left_out > 0 {
            parts.push(format!(
                "{} that no workflow sees: invalid, or imported",
                count(tally.left_out, "event")
            ));
        }
        if tally.paths.is_empty() {
            parts.push("\nno workflow is triggered by them, on neither side".to_owned());
        } else {
            parts.push(format!("\n{}", table("path", &tally.paths)));
        }
        if !tally.results.is_empty() {
            parts.push(format!("\n{}", table("result", &tally.results)));
        }
        let differ = match tally.differ {
            0 => style.green("\nthey do the same for all of them"),
            some => style.yellow(format_args!(
                "\nthey differ for {} of {}",
                some,
                count(self.events.len(), "event")
            )),
        };
        parts.push(differ);
        parts.push(style.dim(format_args!("approximate: {}", APPROXIMATE.join("; "))));
        parts.join("\n")
    }

    /// For programs.
    pub(super) fn for_programs(&self) -> Value {
        json!({
            "event_type": self.asked.event_type,
            "events": self.events.len(),
            "profiles": self.profiles,
            "from": self.time(self.events.first()),
            "to": self.time(self.events.last()),
            "revision": self.revision,
            "directory": self.asked.directory.display().to_string(),
            "left_out": self.tally.left_out,
            "differ": self.tally.differ,
            "paths": rows("path", &self.tally.paths),
            "results": rows("result", &self.tally.results),
            "approximate": APPROXIMATE,
        })
    }

    fn time(&self, event: Option<&Subject>) -> String {
        read::time(event.and_then(|event| event.message.time.as_ref()))
    }
}

fn table(what: &str, counts: &BTreeMap<(String, String), Count>) -> Table {
    let mut table = Table::with(["workflow", what, "in force", "changed", "+/-", "for example"]).cut(&[1, 5]);
    for ((workflow, name), count) in counts {
        let samples =
            count.samples().iter().map(|sample| format!("{} ({})", sample.event_id, sample.profile_id));
        table.row([
            workflow.clone(),
            name.clone(),
            count.running.to_string(),
            count.changed.to_string(),
            match count.difference() {
                0 => String::new(),
                difference => format!("{difference:+}"),
            },
            samples.collect::<Vec<_>>().join(", "),
        ]);
    }
    table
}

fn rows(what: &str, counts: &BTreeMap<(String, String), Count>) -> Vec<Value> {
    let row = |((workflow, name), count): (&(String, String), &Count)| {
        let samples = count.samples().iter();
        let samples: Vec<Value> = samples
            .map(|sample| json!({"event_id": sample.event_id, "profile_id": sample.profile_id}))
            .collect();
        json!({
            "workflow": workflow,
            what: name,
            "in_force": count.running,
            "changed": count.changed,
            "difference": count.difference(),
            "samples": samples,
        })
    };
    counts.iter().map(row).collect()
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
