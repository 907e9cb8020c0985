//! One run, one step further.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tributary_expressions::Verdict;
use tributary_model::{Change, Time};

use crate::board::{Author, Board};
use crate::call::{Answer, Wanted};
use crate::event::EventView;
use crate::graph::Graph;
use crate::memory::Memory;
use crate::record::{Delivery, Emit, NodeRecord};
use crate::shown::Shown;
use crate::state::{NodeState, RunState};
use crate::walk::Walk;

/// A run: which way it goes, for which event, and in whose name it changes something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'r> {
    pub(crate) graph: &'r Graph,
    pub(crate) author: &'r Author,
    pub(crate) event: EventView<'r>,
}

/// What has come in for a run.
#[derive(Debug, Clone)]
pub(crate) enum Input<'a> {
    /// It begins.
    Start,
    /// Answers to all calls that it waited for, by node.
    Answers(BTreeMap<String, Answer>),
    /// The time that it waited for, or that one of its nodes waited for.
    Due,
    /// An event, and the nodes that waited for it, as [`awaiting`] tells them.
    Event(EventView<'a>, Vec<usize>),
}

/// What a run does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// A change of the profile.
    Change(Change),
    /// An event is made.
    Emit(Emit),
    /// Something is sent.
    Deliver(Delivery),
    /// Something is answered.
    Respond(Map<String, Value>),
    /// Something is asked: the run goes on with [`Input::Answers`].
    Call(Wanted),
    /// It waits: it goes on with [`Input::Due`] or [`Input::Event`].
    Pause {
        /// When it goes on by itself.
        until: Option<Time>,
        /// The types of the events that it waits for.
        events: Vec<String>,
    },
    /// It is through.
    Finish,
    /// It failed: what it did since its start or its last pause is undone.
    Fail(String),
}

/// A run after a step.
#[derive(Debug)]
pub(crate) struct Advanced {
    /// Its state: of use while it waits.
    pub(crate) state: RunState,
    /// What it did, in order. The last one says how it goes on: calls, or one of pause, finish and fail.
    pub(crate) effects: Vec<Effect>,
    /// The turns of its nodes, in order.
    pub(crate) records: Vec<NodeRecord>,
}

/// Takes a run as far as it comes with `input`: nodes are entered, the first in the graph's order first, until all that is left
/// waits.
pub(crate) fn advance<'a>(
    run: Run<'_>,
    state: RunState,
    input: Input<'_>,
    shown: &mut Shown<'a>,
    board: &mut Board<'a>,
) -> Advanced {
    match Walk::new(run, state, shown, board) {
        Ok(walk) => walk.go(input),
        Err(reason) => {
            Advanced { state: RunState::default(), effects: vec![Effect::Fail(reason)], records: Vec::new() }
        }
    }
}

/// The nodes of a paused run that waited for `event`, which is what `shown` shows, and those of which that cannot be decided. What happens after the time that a node waits
/// until does not count, however late that time is noticed.
pub(crate) fn awaiting(
    graph: &Graph,
    state: &mut RunState,
    event: EventView<'_>,
    shown: &mut Shown<'_>,
    board: &Board<'_>,
) -> (Vec<usize>, Vec<(String, String)>) {
    let waits = |name: &str| match state.nodes.get(name) {
        Some(NodeState::Waiting(wait)) => {
            wait.events.iter().any(|wanted| wanted == event.event_type)
                && wait.until.is_none_or(|until| event.time <= until)
        }
        _ => false,
    };
    let mut waiting: Vec<usize> =
        (0..graph.nodes().len()).filter(|index| waits(&graph.nodes()[*index].name)).collect();
    let mut undecided = Vec::new();
    if !waiting.is_empty() {
        let mut memory = Memory::new(std::mem::take(&mut state.memory));
        let scope = shown.scope(board, &mut memory);
        waiting.retain(|index| {
            let placed = &graph.nodes()[*index];
            match placed.node.awaits(scope) {
                Verdict::True => true,
                Verdict::False | Verdict::Missing { .. } => false,
                Verdict::Failed { reason } => {
                    undecided.push((placed.name.clone(), reason));
                    false
                }
            }
        });
        state.memory = memory.into_values();
    }
    (waiting, undecided)
}
