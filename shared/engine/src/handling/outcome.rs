//! What comes of a handling.

use serde_json::{Map, Value};
use tributary_model::{Change, EventId};

use crate::call::Wanted;
use crate::record::{Delivery, Emit, Ending, NodeRecord};
use crate::state::RunState;

/// What one run did, to be committed.
#[derive(Debug, Clone, PartialEq)]
pub struct RunOutcome {
    /// The workflow's name.
    pub workflow: String,
    /// The event that it is for.
    pub event: EventId,
    /// The timer of the pause that it came out of, if it did.
    pub resumed: Option<String>,
    /// What it changes in the profile, in order; none when it failed.
    pub changes: Vec<Change>,
    /// The events that it makes; none when it failed.
    pub emits: Vec<Emit>,
    /// What it sends; none when it failed.
    pub deliveries: Vec<Delivery>,
    /// What it answers; empty when it failed.
    pub response: Map<String, Value>,
    /// How far it has come.
    pub ending: Ending,
    /// Its state, to be kept when it paused.
    pub state: RunState,
    /// The turns of its nodes since its start or its last pause.
    pub records: Vec<NodeRecord>,
}

/// Which run of a handling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunName {
    /// The workflow's name.
    pub workflow: String,
    /// The event that it is for.
    pub event: EventId,
    /// The timer of the pause that it came out of, if it did.
    pub resumed: Option<String>,
}

/// How a handling goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Proceeding {
    /// These calls have to be answered, all of them, by [`Handling::answer`](crate::Handling::answer).
    Calls {
        /// The run that makes them.
        run: RunName,
        /// The calls.
        wanted: Vec<Wanted>,
    },
    /// All runs are through, or wait.
    Finished(Finished),
}

/// Whether a paused run waited for the event could not be decided: it waits on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// The run.
    pub run: RunName,
    /// The node that waits.
    pub node: String,
    /// Why; names paths and types, never values.
    pub reason: String,
}

/// A workflow that means the event and does not run for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotTriggered {
    /// The workflow's name.
    pub workflow: String,
    /// What its trigger asks for and does not find; names paths and consents, never values.
    pub why: String,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Finished {
    /// The runs, in their order. A paused run that the event was not meant for is not among them.
    pub runs: Vec<RunOutcome>,
    /// What is answered: what the runs said, later ones over earlier ones.
    pub response: Map<String, Value>,
    /// Paused runs that wait on because nobody can tell whether the event was the one.
    pub undecided: Vec<Undecided>,
    /// The workflows that were passed over, in their order. Where details are asked for.
    pub not_triggered: Vec<NotTriggered>,
}
