//! What mappings and workflows can read of an event.

use serde_json::{Map, Value};
pub use tributary_engine::EventView;
use tributary_expressions::nearest;

/// The parts of an event that can be read.
pub(crate) const EVENT_PARTS: [&str; 8] =
    ["id", "type", "time", "received", "source", "session_id", "properties", "context"];

/// A place in an event to take a value from, like `properties.address.city`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePath(Root);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Root {
    Properties(Vec<String>),
    Context(Vec<String>),
    Id,
    Type,
    Time,
    Received,
    Source,
    SessionId,
}

impl SourcePath {
    /// Reads a path as it is written after `from:`.
    ///
    /// # Errors
    /// In words, when it does not begin like an event's part.
    pub fn parse(text: &str) -> Result<SourcePath, String> {
        let root = match text {
            "id" => Root::Id,
            "type" => Root::Type,
            "time" => Root::Time,
            "received" => Root::Received,
            "source" => Root::Source,
            "session_id" => Root::SessionId,
            _ => {
                let mut parts = text.split('.').map(str::to_string);
                let first = parts.next().unwrap_or_default();
                let rest: Vec<String> = parts.collect();
                let complete = !rest.is_empty() && rest.iter().all(|part| !part.is_empty());
                match first.as_str() {
                    "properties" if complete => Root::Properties(rest),
                    "context" if complete => Root::Context(rest),
                    _ => {
                        return Err(format!(
                            "cannot take a value from {text:?}: write properties.<path>, context.<path>, \
                             id, type, time, received, source or session_id{}",
                            meant(&first, &rest)
                        ));
                    }
                }
            }
        };
        Ok(SourcePath(root))
    }

    /// The names from the event down to the value.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        let (root, rest): (&str, &[String]) = match &self.0 {
            Root::Properties(rest) => ("properties", rest),
            Root::Context(rest) => ("context", rest),
            Root::Id => ("id", &[]),
            Root::Type => ("type", &[]),
            Root::Time => ("time", &[]),
            Root::Received => ("received", &[]),
            Root::Source => ("source", &[]),
            Root::SessionId => ("session_id", &[]),
        };
        std::iter::once(root).chain(rest.iter().map(String::as_str))
    }

    /// The value there; `None` when it is absent or null, which both mean "not known".
    #[must_use]
    pub fn read(&self, event: &EventView<'_>) -> Option<Value> {
        match &self.0 {
            Root::Properties(path) => descend(event.properties, path),
            Root::Context(path) => descend(event.context, path),
            Root::Id => Some(event.id.into()),
            Root::Type => Some(event.event_type.into()),
            Root::Time => Some(event.time.to_string().into()),
            Root::Received => Some(event.received.to_string().into()),
            Root::Source => Some(event.source.into()),
            Root::SessionId => event.session_id.map(Value::from),
        }
    }
}

/// Which part of an event was probably meant by one that no event has.
fn meant(first: &str, rest: &[String]) -> String {
    match nearest(first, EVENT_PARTS) {
        Some(near @ ("properties" | "context")) if !rest.is_empty() => {
            format!("; did you mean {near}.{}?", rest.join("."))
        }
        Some(near) if rest.is_empty() => format!("; did you mean {near}?"),
        _ => String::new(),
    }
}

fn descend(object: &Map<String, Value>, path: &[String]) -> Option<Value> {
    let (last, parents) = path.split_last()?;
    let mut object = object;
    for part in parents {
        object = object.get(part)?.as_object()?;
    }
    object.get(last).filter(|value| !value.is_null()).cloned()
}
