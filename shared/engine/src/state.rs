//! The state of a run: all that must be kept while it waits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tributary_model::Time;

use crate::node::Wait;

/// How far a run has come. Names nodes as its workflow's revision does, and is meaningless under another one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// The nodes that the run has come to.
    pub nodes: BTreeMap<String, NodeState>,
    /// What nodes have found out, by their names.
    pub memory: Map<String, Value>,
    /// For-each nodes under way.
    pub frames: BTreeMap<String, Frame>,
    /// How much nodes made, by their names: tells the ids of what one node makes apart.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, Counts>,
    /// Nodes entered so far.
    pub steps: u32,
    /// Calls made so far.
    pub calls: u32,
    /// Pauses so far: names what is committed after each.
    pub pauses: u32,
    /// The time of what it did last: what it does after a pause comes later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// It was stopped: nothing is entered any more.
    pub stopped: bool,
}

/// How far a node has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum NodeState {
    /// It waits for an answer.
    Calling,
    /// It waits for a time or an event.
    Waiting(Wait),
    /// Its body is run.
    Looping,
    /// It was left by this port.
    Left(String),
    /// Its branch ended with it.
    Ended,
}

/// A for-each under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// All items.
    pub items: Vec<Value>,
    /// The one that is run, from 0.
    pub at: usize,
}

/// How much one node made, for the item at hand where it is in a for-each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events.
    pub emits: u32,
    /// Deliveries.
    pub deliveries: u32,
    /// Calls.
    pub calls: u32,
}
