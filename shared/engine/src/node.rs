//! What a kind of node is to the engine.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tributary_expressions::{Scope, Verdict};
use tributary_model::Time;

use crate::call::{Answer, Call};
use crate::event::EventView;
use crate::turn::Turn;

/// The name of one of a node's ways out.
pub type Port = Cow<'static, str>;

/// A step of a workflow, compiled. What it decides follows from its turn and nothing else.
pub trait Node: fmt::Debug + Send + Sync {
    /// The kind's name, as documents write it.
    fn kind(&self) -> &'static str;

    /// The run has come here.
    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step;

    /// What the node waited for has come. Only kinds that answer [`Step::Call`] or [`Step::Wait`] are asked.
    fn resume(&self, turn: &mut Turn<'_, '_>, news: News<'_>) -> Step {
        let _ = (turn, news);
        Step::Fail("the node was resumed and never waits: the run's state is not this workflow's".into())
    }

    /// Whether an event that comes while the node waits is the one. `scope` shows that event, and this run's memory. Types
    /// were compared already.
    fn awaits(&self, scope: &Scope) -> Verdict {
        let _ = scope;
        Verdict::False
    }
}

/// How a node's turn ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// It is left by this port.
    Leave(Port),
    /// It is left by `error` where that leads somewhere; else by `otherwise`; else the branch ends here. The reason is
    /// recorded; it names paths and types, never values.
    Error {
        /// Why.
        reason: String,
        /// The port for workflows that do not look at errors.
        otherwise: Option<Port>,
    },
    /// It waits for an answer.
    Call(Call),
    /// It waits for a time or an event.
    Wait(Wait),
    /// Its body is run for each of these, one after the other; then it is left by `done`. For `for_each` alone.
    Each(Vec<Value>),
    /// The whole run ends here, all branches. What it did stays.
    Stop,
    /// The run fails: what it did since its start, or its last pause, is undone.
    Fail(String),
}

/// What is waited for. One of both at least.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// Until when at most.
    pub until: Option<Time>,
    /// For an event of one of these types, which [`Node::awaits`] then judges; for none, when empty.
    pub events: Vec<String>,
}

/// What has come.
#[derive(Debug, Clone, Copy)]
pub enum News<'a> {
    /// The answer to the node's call.
    Answer(&'a Answer),
    /// The time has come.
    Due,
    /// The event that it waited for.
    Event(&'a EventView<'a>),
}
