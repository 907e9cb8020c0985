//! An event as workflows and mappings see it.

use serde_json::{Map, Value, json};
use tributary_model::Time;

/// The parts of one event, borrowed from whoever holds it.
#[derive(Debug, Clone, Copy)]
pub struct EventView<'a> {
    /// The event's id.
    pub id: &'a str,
    /// The event's type.
    pub event_type: &'a str,
    /// When it happened, not later than `received`.
    pub time: Time,
    /// When the mesh received it.
    pub received: Time,
    /// The source it came from.
    pub source: &'a str,
    /// The session it belongs to, if any.
    pub session_id: Option<&'a str>,
    /// What the client said about it.
    pub properties: &'a Map<String, Value>,
    /// The circumstances: the payload's context.
    pub context: &'a Map<String, Value>,
}

impl EventView<'_> {
    /// The event as conditions and expressions see it: one document, times as RFC 3339 text.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({
            "id": self.id,
            "type": self.event_type,
            "time": self.time.to_string(),
            "received": self.received.to_string(),
            "source": self.source,
            "session_id": self.session_id,
            "properties": self.properties,
            "context": self.context,
        })
    }
}
