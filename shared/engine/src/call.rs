//! What a run asks of the world, and what the world answers. Both are kept with the run: an answer that was given once is not
//! asked for again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tributary_model::Time;

/// A call with the node that makes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wanted {
    /// The node's name.
    pub node: String,
    /// The same whenever this call of this run is made: for whoever is called to tell repeats, and to find the answer of an
    /// earlier attempt. `<event id>/<workflow>/<node>`, and in a for-each `/<item from 1>`.
    pub key: String,
    /// What is asked.
    pub call: Call,
}

/// What a run asks of the world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Call {
    /// An HTTP request.
    Http(HttpCall),
    /// A node that the users of the mesh serve.
    Node(NodeCall),
    /// What the profile did.
    History(HistoryQuery),
}

/// An HTTP request. Its headers are configuration, found by the node: they hold secrets and are never kept with a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpCall {
    /// GET, POST, PUT, PATCH or DELETE.
    pub method: String,
    /// Where: http or https.
    pub url: String,
    /// The body, sent as JSON; none, when absent.
    pub body: Option<Value>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Further attempts where the first fails in a way that may pass.
    pub retries: u32,
}

/// A call of `tributary.v1.NodeService`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeCall {
    /// Where it is served: `http://host:port` or `https://host:port`.
    pub url: String,
    /// What it is given.
    pub input: Map<String, Value>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Further attempts where the first fails in a way that may pass.
    pub retries: u32,
}

/// Which events of the profile's past are wanted: up to and including the one that is handled, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryQuery {
    /// Of these types; of all, when empty.
    pub types: Vec<String>,
    /// That happened at this time or later.
    pub since: Time,
    /// The newest so many: 1 to [`MAX_HISTORY`](crate::MAX_HISTORY).
    pub limit: usize,
    /// Whether their properties are looked at. Where they are not, the answer need not have them.
    pub properties: bool,
}

/// What the world answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// To an HTTP request: any status is an answer.
    Http(Result<HttpAnswer, CallError>),
    /// Of a user's node.
    Node(Result<NodeAnswer, CallError>),
    /// The events, oldest first.
    History(Result<Vec<PastEvent>, CallError>),
}

/// What an HTTP server said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// The body: JSON as it is, another text as a text; null where there is none.
    pub body: Value,
}

/// What a user's node said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeAnswer {
    /// The port to leave by; empty for `done`.
    pub port: String,
    /// What it found out.
    pub output: Map<String, Value>,
}

/// An event of the past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastEvent {
    /// Its id.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it happened.
    pub time: Time,
    /// What the client said about it.
    pub properties: Map<String, Value>,
}

/// Why there is no answer. For people: names hosts and codes, never values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct CallError {
    /// Stable, for programs: `TIMED_OUT`, `UNREACHABLE`, `FORBIDDEN_ADDRESS`, `CIRCUIT_OPEN`, `TOO_LARGE`, `TOO_DEEP`,
    /// `SECRET_MISSING`, `REFUSED`, `INVALID_URL`, `TOO_MANY_EVENTS`, `NOT_CALLED` (a dry run).
    pub reason: String,
    /// In words.
    pub message: String,
}
