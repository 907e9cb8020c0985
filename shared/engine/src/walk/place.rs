//! How far each node of a run has come.

use std::collections::BTreeMap;

use crate::graph::Graph;
use crate::node::{Port, Wait};
use crate::state::NodeState;

/// How far a node has come.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// It was not entered, and may still be.
    Ahead,
    /// It can never be entered: no way that is taken leads there.
    Passed,
    /// It waits for an answer.
    Calling,
    /// It waits for a time or an event.
    Waiting(Wait),
    /// Its body is run.
    Looping,
    /// It was left by this port.
    Left(Port),
    /// Its branch ended with it.
    Ended,
}

impl Place {
    pub(super) fn waits(&self) -> bool {
        matches!(self, Place::Calling | Place::Waiting(_))
    }
}

/// Whether a way leads to a node.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Coming {
    /// It is to be entered, by this edge (a node, and the index of the edge there) unless it begins.
    Now(Option<(usize, usize)>),
    /// That is not decided.
    Later,
    /// No way can lead there any more.
    Never,
}

/// Whether a way leads to a node, once the places of all that leads to it are known as far as they can be.
pub(super) fn coming(graph: &Graph, index: usize, places: &[Place]) -> Coming {
    let nodes = graph.nodes();
    let placed = &nodes[index];
    let (mut live, mut undecided) = (None, false);
    for &(from, edge) in &placed.led_by {
        match &places[from] {
            Place::Left(port) if *port == nodes[from].to[edge].port => {
                live.get_or_insert((from, edge));
            }
            Place::Left(_) | Place::Ended | Place::Passed => {}
            Place::Ahead | Place::Calling | Place::Waiting(_) | Place::Looping => undecided = true,
        }
    }
    let begins = placed.starts || placed.begins_body;
    match (begins || live.is_some(), undecided) {
        (true, true) if placed.joins => Coming::Later,
        (true, _) => Coming::Now(live),
        (false, true) => Coming::Later,
        (false, false) => Coming::Never,
    }
}

/// The places of a kept state.
///
/// # Errors
/// It names nodes that the graph does not have.
pub(super) fn load(graph: &Graph, kept: BTreeMap<String, NodeState>) -> Result<Vec<Place>, String> {
    let mut places = vec![Place::Ahead; graph.nodes().len()];
    for (name, state) in kept {
        let index = graph.find(&name).ok_or_else(|| not_ours(&name))?;
        places[index] = match state {
            NodeState::Calling => Place::Calling,
            NodeState::Waiting(wait) => Place::Waiting(wait),
            NodeState::Looping => Place::Looping,
            NodeState::Left(port) => Place::Left(Port::Owned(port)),
            NodeState::Ended => Place::Ended,
        };
    }
    Ok(places)
}

/// What is kept of the places: what follows from the rest is not.
pub(super) fn save(graph: &Graph, places: Vec<Place>) -> BTreeMap<String, NodeState> {
    let kept = |(index, place): (usize, Place)| {
        let state = match place {
            Place::Ahead | Place::Passed => return None,
            Place::Calling => NodeState::Calling,
            Place::Waiting(wait) => NodeState::Waiting(wait),
            Place::Looping => NodeState::Looping,
            Place::Left(port) => NodeState::Left(port.into_owned()),
            Place::Ended => NodeState::Ended,
        };
        Some((graph.nodes()[index].name.clone(), state))
    };
    places.into_iter().enumerate().filter_map(kept).collect()
}

pub(super) fn not_ours(node: &str) -> String {
    format!("the run's state does not fit this workflow (at {node}): it belongs to another revision")
}
