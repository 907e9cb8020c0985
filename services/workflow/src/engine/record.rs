//! What a run did, as it is stored with the event.

use serde_json::{Map, Value};
use tributary_model::{Change, EventId};

/// What one workflow did for one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The workflow's name.
    pub workflow: String,
    /// The changes it makes to the profile, in order; none when it failed.
    pub changes: Vec<Change>,
    /// The events it makes; none when it failed.
    pub emits: Vec<Emit>,
    /// What happened at each step, in order; when it failed, up to the step that failed.
    pub steps: Vec<StepRecord>,
    /// Why it failed, and thereby did nothing.
    pub failure: Option<String>,
}

/// An event that a step made.
#[derive(Debug, Clone, PartialEq)]
pub struct Emit {
    /// Derived from the event, workflow, step and place in the step: the same whenever this is run again.
    pub id: EventId,
    /// The event's type.
    pub event_type: String,
    /// The event's properties.
    pub properties: Map<String, Value>,
}

/// What happened at one step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepRecord {
    /// The step's name, if it has one.
    pub name: Option<String>,
    /// Whether its condition held.
    pub taken: bool,
    /// The path whose absence made the condition false.
    pub missing: Option<String>,
    /// What could not be done, in words: refused changes, operands and properties that could not be computed,
    /// a condition that could not be decided.
    pub refused: Vec<String>,
}
