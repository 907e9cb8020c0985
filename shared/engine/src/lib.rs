//! The workflow engine: what the workflows of a tenant do with one event. Pure: no clock, no I/O; the same states and inputs
//! give the same effects, down to every id. So what is handled twice does nothing twice.
//!
//! A workflow is a [`Graph`] of [`Node`]s, joined from port to node. `advance` takes the state of one run and what has come
//! in (its start, answers to calls, a time that was waited for, an event) and gives the next state with effects. [`Handling`]
//! is one event, or one timer, through all runs that it concerns, each seeing what those before it changed. What a node can
//! see and do is its [`Turn`]. Kinds of nodes are documents' and live with them.

mod advance;
mod board;
mod bytes;
mod call;
mod event;
mod graph;
mod handling;
mod limits;
mod memory;
mod node;
mod record;
mod shown;
mod state;
mod turn;
mod values;
mod walk;

pub use board::Ground;
pub use call::{
    Answer, Call, CallError, HistoryQuery, HttpAnswer, HttpCall, NodeAnswer, NodeCall, PastEvent, Wanted,
};
pub use event::EventView;
pub use graph::{Edge, Graph, GraphError, Placed, Target};
pub use handling::{
    Finished, Handling, NotTriggered, PausedRun, Proceeding, RunName, RunOutcome, Triggered, Undecided,
};
pub use limits::*;
pub use node::{News, Node, Port, Step, Wait};
pub use record::{Delivery, Emit, Ending, NodeRecord};
pub use state::{Counts, Frame, NodeState, RunState};
pub use turn::{Decision, Turn};

#[cfg(test)]
mod tests;
