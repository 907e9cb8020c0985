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

/// How a handling goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Proceeding {
    /// These calls have to be answered, all of them, by [`Handling::answer`](crate::Handling::answer). All are of one run.
    Calls(Vec<Wanted>),
    /// All runs are through, or wait.
    Finished(Finished),
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Finished {
    /// The runs, in their order. A paused run that the event was not meant for is not among them.
    pub runs: Vec<RunOutcome>,
    /// What is answered: what the runs said, later ones over earlier ones.
    pub response: Map<String, Value>,
}
