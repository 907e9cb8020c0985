//! What a handling comes to, as one commit. Pure.

mod derived;
mod outcome;

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message as _;
use serde_json::json;
use tributary_engine::{Ending as RunEnding, Finished, MAX_PAUSE, RunOutcome};
use tributary_model::{Change, StreamId, Time, TraceContext};
use tributary_proto::convert::{changes_to_wire, time_to_wire};
use tributary_proto::v1;
use tributary_streams::{Awaited, Effect, Ending, Subject as Changed, timer_id};

use crate::paused::Kept;
use crate::settings::KeepRuns;
use crate::subject::Subject;
use crate::told::{self, Took};

/// Under which circumstances something was handled.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The revision that the event's own runs began under.
    pub revision: &'a str,
    /// The paused runs that were at hand, by their timers.
    pub kept: &'a BTreeMap<String, Kept>,
    /// The calls that were made, and how long they took.
    pub took: &'a Took,
    /// The trace of the event that is handled.
    pub trace: &'a TraceContext,
    /// The moment.
    pub now: Time,
}

/// Where an event lies, and who waits for it.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Its entry in `{p}:events`.
    pub entry: StreamId,
    /// Whether somebody waits, and for what.
    pub awaited: Awaited,
    /// Whether its runs are kept where nobody asked for them.
    pub keep_runs: KeepRuns,
    /// How long its end is remembered: the dedup window.
    pub life: Duration,
}

/// An event that was handled: which runs waited for it, what they and its own did, and the end that a waiter finds. An event
/// that changed nothing leaves a mark.
#[must_use]
pub fn of_event(
    event: &Subject,
    place: Place,
    finished: &Finished,
    around: &Circumstances<'_>,
) -> Vec<Effect> {
    let resumed = finished.runs.iter().filter_map(|run| run.resumed.clone());
    let resumed = resumed.map(|timer| Effect::Resume { timer, profile: event.profile.clone() });
    // First: what pauses now is never what is taken off.
    let mut effects: Vec<Effect> = resumed.collect();
    effects.extend(around.of_runs(event, place.entry, finished));
    effects.extend(around.forgotten(event));
    effects.push(Effect::Seen {
        event: event.id.clone(),
        entry: place.entry,
        ending: Ending::Done,
        outcome: outcome::of(event, place, finished, around),
        announce: place.awaited != Awaited::No,
        life: place.life,
    });
    effects
}

/// A paused run whose time had come. Its timer is not among the effects: taking it off is what admits them.
#[must_use]
pub fn of_timer(kept: &Kept, finished: &Finished, around: &Circumstances<'_>) -> Vec<Effect> {
    let mut effects = around.of_runs(&kept.event, kept.entry, finished);
    effects.extend(around.forgotten(&kept.event));
    effects
}

impl Circumstances<'_> {
    /// The runs as they are told: `event` is the one that is handled.
    #[must_use]
    pub fn told(&self, event: &Subject, finished: &Finished) -> Vec<v1::WorkflowRun> {
        let told = |run: &RunOutcome| told::run(run, &self.event_of(run, event).message.r#type, self.took);
        finished.runs.iter().map(told).collect()
    }

    /// The event that a run is for.
    fn event_of<'e>(&'e self, run: &RunOutcome, handled: &'e Subject) -> &'e Subject {
        self.kept_of(run).map_or(handled, |kept| &kept.event)
    }

    /// How a run was kept that went on.
    fn kept_of(&self, run: &RunOutcome) -> Option<&Kept> {
        run.resumed.as_ref().and_then(|timer| self.kept.get(timer))
    }

    /// Changes by what caused them, then what each run made; each under the trace of its own event. `entry` is where the event
    /// lies that is handled.
    fn of_runs(&self, handled: &Subject, entry: StreamId, finished: &Finished) -> Vec<Effect> {
        let mut causes: Vec<(&Subject, &TraceContext, Vec<Change>)> = vec![(handled, self.trace, Vec::new())];
        for run in &finished.runs {
            let event = self.event_of(run, handled);
            match causes.iter_mut().find(|(cause, ..)| cause.id == event.id) {
                Some((.., changes)) => changes.extend(run.changes.iter().cloned()),
                None => causes.push((event, self.trace_of(run), run.changes.clone())),
            }
        }
        let mut effects: Vec<Effect> = causes
            .into_iter()
            .filter(|(cause, _, changes)| cause.id == handled.id || !changes.is_empty())
            .map(|(cause, trace, changes)| self.under(trace, changed(cause, &changes, self.now)))
            .collect();
        for run in &finished.runs {
            let event = self.event_of(run, handled);
            let made = derived::of(event, run, self.now)
                .chain(delivered(event, run))
                .chain(self.paused(event, entry, run));
            effects.extend(made.map(|effect| self.under(self.trace_of(run), effect)));
        }
        effects
    }

    /// The trace that a run belongs to: that of the event that it is for.
    fn trace_of(&self, run: &RunOutcome) -> &TraceContext {
        self.kept_of(run).map_or(self.trace, |kept| &kept.trace)
    }

    /// The commit's own trace is that of the event that is handled.
    fn under(&self, trace: &TraceContext, effect: Effect) -> Effect {
        if trace == self.trace || trace.traceparent.is_empty() {
            return effect;
        }
        Effect::Under { trace: trace.clone(), effect: Box::new(effect) }
    }

    /// The run as it is kept while it waits, if it does.
    fn paused(&self, event: &Subject, entry: StreamId, run: &RunOutcome) -> Option<Effect> {
        let RunEnding::Paused { until, events } = &run.ending else { return None };
        let former = self.kept_of(run);
        let kept = Kept {
            event: event.clone(),
            entry: former.map_or(entry, |former| former.entry),
            workflow: run.workflow.clone(),
            revision: former.map_or(self.revision, |former| &former.revision).to_owned(),
            state: run.state.clone(),
            trace: self.trace_of(run).clone(),
        };
        let delay = until.map_or(MAX_PAUSE, |until| until.since(self.now));
        Some(Effect::Pause {
            timer: kept.timer(),
            profile: event.profile.clone(),
            delay,
            awaits: events.clone(),
            fields: kept.fields(),
        })
    }

    /// Answers to calls are kept no longer than until what they led to is committed.
    fn forgotten(&self, event: &Subject) -> Option<Effect> {
        (!self.took.is_empty()).then(|| Effect::Forget { event: event.id.clone() })
    }
}

fn changed(event: &Subject, changes: &[Change], now: Time) -> Effect {
    let cause = format!("{}/2", event.id);
    let mut set = v1::ChangeSet {
        tenant: event.tenant.to_string(),
        cause_event_id: event.id.to_string(),
        cause_stage: v1::Stage::Workflow.into(),
        received: Some(event.message.received.unwrap_or_else(|| time_to_wire(now))),
        ..v1::ChangeSet::default()
    };
    if changes.is_empty() {
        return Effect::Mark { cause, set: set.encode_to_vec() };
    }
    set.target = v1::Target::Profile.into();
    set.id = event.profile.to_string();
    set.origin = event.profile.to_string();
    set.changes = changes_to_wire(changes);
    Effect::Changes { subject: Changed::Profile(event.profile.clone()), cause, set: set.encode_to_vec() }
}

/// What a run sends to destinations, as timers of the stage that delivers.
fn delivered(event: &Subject, run: &RunOutcome) -> impl Iterator<Item = Effect> {
    run.deliveries.iter().map(|delivery| {
        let parts = [delivery.destination.as_str(), event.profile.as_str(), delivery.key.as_str()];
        let body = json!(delivery.body).to_string();
        Effect::Deliver {
            timer: timer_id("dispatcher", &event.tenant, &parts),
            fields: vec![
                ("tenant", event.tenant.to_string()),
                ("destination", delivery.destination.clone()),
                ("profile", event.profile.to_string()),
                ("key", delivery.key.clone()),
                ("body", body),
            ],
        }
    })
}

#[cfg(test)]
mod tests;
