//! What a run did, to be told and stored.

use serde_json::{Map, Value};
use tributary_model::{EventId, Time};

/// An event that a run makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Emit {
    /// Derived from event, workflow, node and item: the same whenever this is run again.
    pub id: EventId,
    /// The event's type.
    pub event_type: String,
    /// When it happens: the time of the run's changes.
    pub time: Time,
    /// The event's properties.
    pub properties: Map<String, Value>,
}

/// Something that a run sends to a destination.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The same whenever this is sent: `<event id>/<workflow>/<node>`, and in a for-each `/<item>`.
    pub key: String,
    /// The destination's name.
    pub destination: String,
    /// What is sent.
    pub body: Map<String, Value>,
}

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// To its end.
    Done,
    /// It failed, for this reason, and undid what it did since its start or its last pause.
    Failed(String),
    /// It waits: until then at most, or for an event of one of these types.
    Paused {
        /// When it goes on by itself.
        until: Option<Time>,
        /// The types of the events that may make it go on.
        events: Vec<String>,
    },
}

/// A node's turn. `saw` and `output` hold values of events and profiles and are there only where details are asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeRecord {
    /// The node's name.
    pub node: String,
    /// Its kind.
    pub kind: &'static str,
    /// The node and port that led here; none for a start.
    pub from: Option<(String, String)>,
    /// Which item of a for-each, from 1; 0 outside of one.
    pub item: usize,
    /// The port by which it was left; none where it waits or its branch ended.
    pub port: Option<String>,
    /// Why it was left so, where there is something to say: a path that is missing, what it waits for, whom it calls.
    pub why: Option<String>,
    /// The paths that were missing.
    pub missing: Vec<String>,
    /// What could not be done, in words.
    pub refused: Vec<String>,
    /// What it looked at: path or expression → value.
    pub saw: Map<String, Value>,
    /// What it remembered.
    pub output: Option<Value>,
    /// How many changes it made.
    pub changes: usize,
}
