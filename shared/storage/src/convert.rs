//! Between columns and the model. Whatever comes from a row is checked: another version may have written it.

use chrono::{DateTime, Utc};
use prost::Message as _;
use serde_json::{Map, Value};
use tributary_model::{PartitionId, State, StreamId, Time};
use tributary_proto::v1;

use crate::StorageError;

pub(crate) fn stream_id(text: &str) -> Result<StreamId, StorageError> {
    StreamId::from_sortable(text).map_err(|_| StorageError::data("a position column holds no stream id"))
}

pub(crate) fn partition(number: i32) -> Result<PartitionId, StorageError> {
    u16::try_from(number)
        .map(PartitionId)
        .map_err(|_| StorageError::data("a partition column is out of range"))
}

/// Ids of rows were checked before they were written; a column that fails the check was written by something else.
pub(crate) fn id<T, E>(checked: Result<T, E>) -> Result<T, StorageError> {
    checked.map_err(|_| StorageError::data("an id column holds no id"))
}

pub(crate) fn timestamp(time: Time) -> Result<DateTime<Utc>, StorageError> {
    DateTime::from_timestamp_micros(time.as_micros())
        .ok_or_else(|| StorageError::data("a time is outside of what Postgres holds"))
}

pub(crate) fn time(timestamp: DateTime<Utc>) -> Time {
    Time::from_micros(timestamp.timestamp_micros())
}

pub(crate) fn encode_state(state: &State) -> Vec<u8> {
    v1::State::from(state).encode_to_vec()
}

pub(crate) fn decode_state(bytes: &[u8]) -> Result<State, StorageError> {
    let wire = v1::State::decode(bytes).map_err(|_| StorageError::data("a state column is not a State"))?;
    State::try_from(&wire).map_err(|error| StorageError::data(format!("a state column: {error}")))
}

/// The text of a document for a jsonb column, with U+FFFD for the one character that jsonb cannot hold. Only for columns
/// that are a rendering of something kept elsewhere.
pub(crate) fn shown_text(document: &Map<String, Value>) -> String {
    let text = text(document);
    if may_hold_nul(&text) { self::text(&without_nul_in(document)) } else { text }
}

/// As [`shown_text`], for any value.
pub(crate) fn shown_value(value: &Value) -> String {
    let text = value.to_string();
    if may_hold_nul(&text) { without_nul_in_value(value).to_string() } else { text }
}

/// The text of a document for a jsonb column; `None` where jsonb cannot hold it.
pub(crate) fn exact_text(document: &Map<String, Value>) -> Option<String> {
    let text = text(document);
    let holds_nul = may_hold_nul(&text) && without_nul_in(document) != *document;
    (!holds_nul).then_some(text)
}

/// Text columns cannot hold U+0000 either.
pub(crate) fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn text(document: &Map<String, Value>) -> String {
    serde_json::to_string(document).expect("a map of JSON values always has a text")
}

/// Cheap and sometimes wrong: an escaped backslash before `u0000` looks the same.
fn may_hold_nul(text: &str) -> bool {
    text.contains("\\u0000")
}

fn without_nul_in(document: &Map<String, Value>) -> Map<String, Value> {
    document.iter().map(|(key, value)| (without_nul(key), without_nul_in_value(value))).collect()
}

fn without_nul_in_value(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_nul(text)),
        Value::Array(items) => items.iter().map(without_nul_in_value).collect(),
        Value::Object(object) => Value::Object(without_nul_in(object)),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_document_with_a_nul_anywhere_has_no_exact_text() {
        for bad in [
            serde_json::json!({"a": "x\u{0}y"}),
            serde_json::json!({"a": [{"b": "\u{0}"}]}),
            serde_json::json!({"k\u{0}": 1}),
        ] {
            assert_eq!(exact_text(&object(bad)), None);
        }
    }

    #[test]
    fn a_backslash_before_u0000_is_an_ordinary_text() {
        let document = object(serde_json::json!({"a": "\\u0000"}));
        assert_eq!(exact_text(&document), Some(text(&document)));
    }

    #[test]
    fn what_is_shown_keeps_all_but_the_nul() {
        let document = object(serde_json::json!({"a": "x\u{0}y", "b": 1}));
        assert_eq!(shown_text(&document), "{\"a\":\"x\u{fffd}y\",\"b\":1}");
    }
}
