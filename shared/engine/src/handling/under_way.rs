//! A run while it is handled.

use std::time::Duration;

use serde_json::Map;
use tributary_model::{Cause, Change, EventId, Stage, Time};

use super::{PausedRun, RunName, RunOutcome};
use crate::advance::Input;
use crate::board::{Author, EVENT_KEY};
use crate::call::Wanted;
use crate::event::EventView;
use crate::graph::Graph;
use crate::record::{Delivery, Emit, Ending, NodeRecord};
use crate::state::RunState;

/// A run, and what it did since its start or its last pause.
#[derive(Debug)]
pub(super) struct UnderWay<'a> {
    pub(super) graph: &'a Graph,
    pub(super) author: Author,
    /// The event that it is for.
    pub(super) event: EventView<'a>,
    /// The timer of the pause that it came out of.
    pub(super) resumed: Option<String>,
    pub(super) state: RunState,
    pub(super) next: Next<'a>,
    pub(super) changes: Vec<Change>,
    pub(super) emits: Vec<Emit>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) records: Vec<NodeRecord>,
}

/// What a run needs to go on.
#[derive(Debug)]
pub(super) enum Next<'a> {
    /// Nothing: this has come.
    Go(Input<'a>),
    /// Answers to these calls.
    Answers(Vec<Wanted>),
}

impl<'a> UnderWay<'a> {
    /// A run that begins.
    pub(super) fn started(
        workflow: &str,
        graph: &'a Graph,
        id: EventId,
        event: EventView<'a>,
    ) -> UnderWay<'a> {
        let author = author(id, workflow, EVENT_KEY.to_owned(), event.time);
        UnderWay::new(graph, author, event, RunState::default(), Input::Start)
    }

    /// A run that comes out of a pause. `time` is that of what it does from here on, unless it did something at that time or
    /// later before: what it does last has to win.
    pub(super) fn resumed(run: PausedRun<'a>, input: Input<'a>, time: Time) -> UnderWay<'a> {
        let key = format!("{}.{}", run.workflow, run.state.pauses);
        let after = run.state.time.map(|last| last.plus(Duration::from_micros(1)));
        let author = author(run.event_id, run.workflow, key, after.map_or(time, |after| time.max(after)));
        let resumed = Some(run.timer);
        UnderWay { resumed, ..UnderWay::new(run.graph, author, run.event, run.state, input) }
    }

    fn new(
        graph: &'a Graph,
        author: Author,
        event: EventView<'a>,
        state: RunState,
        input: Input<'a>,
    ) -> UnderWay<'a> {
        UnderWay {
            graph,
            author,
            event,
            resumed: None,
            state,
            next: Next::Go(input),
            changes: Vec::new(),
            emits: Vec::new(),
            deliveries: Vec::new(),
            records: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> RunName {
        RunName {
            workflow: self.author.workflow.clone(),
            event: self.author.event().clone(),
            resumed: self.resumed.clone(),
        }
    }

    /// What came of it: nothing but records where it failed. What it answers is the board's to say.
    pub(super) fn outcome(self, ending: Ending) -> RunOutcome {
        let mut outcome = RunOutcome {
            workflow: self.author.workflow,
            event: self.author.cause.event,
            resumed: self.resumed,
            changes: self.changes,
            emits: self.emits,
            deliveries: self.deliveries,
            response: Map::new(),
            ending,
            state: self.state,
            records: self.records,
        };
        if let Ending::Failed(_) = outcome.ending {
            outcome.changes.clear();
            outcome.emits.clear();
            outcome.deliveries.clear();
            outcome.state = RunState::default();
        } else {
            outcome.state.time = Some(self.author.time);
        }
        outcome
    }
}

fn author(event: EventId, workflow: &str, commit_key: String, time: Time) -> Author {
    let cause = Cause { event, stage: Stage::Workflow };
    Author { cause, commit_key, time, workflow: workflow.to_owned() }
}
