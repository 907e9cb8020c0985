//! One event through the workflows of its tenant.

use serde_json::Value;
use tributary_config::{EventView, Tenant, Workflow};
use tributary_expressions::{Scope, Verdict};
use tributary_model::{Cause, Change, EventId, Kinds, Stage, State, Time};

use super::record::{Run, StepRecord};
use super::work::Work;

/// The most changes that the workflows of one event may make together.
pub const MAX_CHANGES: usize = 64;
/// The most events that the workflows of one event may make together.
pub const MAX_EMITS: usize = 16;

/// An event and what is known when it is handled.
#[derive(Debug, Clone, Copy)]
pub struct RunInput<'a> {
    /// The event. Its `time`, which is not later than its receipt, is the time of every change.
    pub event: EventView<'a>,
    /// The event's id, from which the ids of changes and made events follow.
    pub event_id: &'a EventId,
    /// The profile, with the changes that preprocessing made of this event.
    pub profile: &'a State,
    /// The session, likewise; empty when the event has none.
    pub session: &'a State,
    /// What conditions see as `now`, and what decides whether a flag has expired.
    pub now: Time,
}

/// Runs every workflow of `tenant` whose trigger lets the event through.
#[must_use]
pub fn run_all(tenant: &Tenant, input: &RunInput<'_>) -> Vec<Run> {
    let mut meant = tenant.workflows.iter().filter(|workflow| means(workflow, input)).peekable();
    if meant.peek().is_none() {
        return Vec::new();
    }
    let mut desk = Desk::new(&tenant.kinds, input);
    meant.filter_map(|workflow| desk.run(workflow)).collect()
}

fn means(workflow: &Workflow, input: &RunInput<'_>) -> bool {
    workflow.means(&input.event)
}

/// What the workflows of one event share: the profile as it has become, and how much was made so far.
pub(super) struct Desk<'a> {
    pub(super) input: &'a RunInput<'a>,
    pub(super) kinds: &'a Kinds,
    pub(super) cause: Cause,
    pub(super) scope: Scope,
    pub(super) state: State,
    /// The changes of the runs that are complete.
    kept: Vec<Change>,
    kept_emits: usize,
}

impl<'a> Desk<'a> {
    fn new(kinds: &'a Kinds, input: &'a RunInput<'a>) -> Desk<'a> {
        let profile = document(input.profile, kinds, input.now);
        let session = document(input.session, kinds, input.now);
        Desk {
            input,
            kinds,
            cause: Cause { event: input.event_id.clone(), stage: Stage::Workflow },
            scope: Scope::new(&input.event.document(), &profile, &session, input.now),
            state: input.profile.clone(),
            kept: Vec::new(),
            kept_emits: 0,
        }
    }

    /// The run of `workflow`; `None` when its trigger's condition does not hold.
    fn run(&mut self, workflow: &Workflow) -> Option<Run> {
        match workflow.trigger.condition.as_ref().map(|condition| condition.evaluate(&self.scope)) {
            None | Some(Verdict::True) => {}
            Some(Verdict::False | Verdict::Missing { .. }) => return None,
            Some(Verdict::Failed { reason }) => {
                return Some(failed(workflow, Vec::new(), format!("the trigger's condition: {reason}")));
            }
        }
        let mut work = Work::new(self, &workflow.name);
        let mut steps = Vec::with_capacity(workflow.steps.len());
        for (index, step) in workflow.steps.iter().enumerate() {
            let mut record = StepRecord { name: step.name.clone(), ..StepRecord::default() };
            let outcome = work.step(index, step, &mut record);
            steps.push(record);
            if let Err(limit) = outcome {
                self.undo();
                return Some(failed(workflow, steps, format!("step {}: {limit}", index + 1)));
            }
        }
        let (changes, emits) = work.finish();
        self.kept.extend(changes.iter().cloned());
        self.kept_emits += emits.len();
        Some(Run { workflow: workflow.name.clone(), changes, emits, steps, failure: None })
    }

    /// How many changes and events the runs before this one made.
    pub(super) fn kept(&self) -> (usize, usize) {
        (self.kept.len(), self.kept_emits)
    }

    /// Shows the profile as it has become to what is evaluated next.
    pub(super) fn refresh(&mut self) {
        self.scope.set_profile(&document(&self.state, self.kinds, self.input.now));
    }

    /// Takes back what a failed run changed, so that later workflows do not build on it.
    fn undo(&mut self) {
        self.state = self.input.profile.clone();
        for change in &self.kept {
            self.state.apply(change);
        }
        self.refresh();
    }
}

fn failed(workflow: &Workflow, steps: Vec<StepRecord>, failure: String) -> Run {
    let workflow = workflow.name.clone();
    Run { workflow, changes: Vec::new(), emits: Vec::new(), steps, failure: Some(failure) }
}

fn document(state: &State, kinds: &Kinds, now: Time) -> Value {
    Value::Object(state.view_as(kinds, now).document())
}
