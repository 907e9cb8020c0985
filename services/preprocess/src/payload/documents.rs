//! The documents of a payload: decoded once, and checked for what the mesh cannot keep.

use super::violation;
use serde_json::{Map, Value};
use tributary_proto::raw::{DocumentError, RawStruct};
use tributary_proto::v1;

/// Bytes of one text value.
const MAX_TEXT: usize = 8 * 1024;

/// Integers beyond it are not exact in JSON, nor in most clients.
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

/// Why a document makes the whole payload unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentFault {
    /// Objects and lists lie too deep within each other.
    TooDeep,
    /// It is not a document.
    Malformed,
}

/// A decoded document, and what in it the mesh cannot keep.
pub(super) struct Checked {
    pub(super) object: Map<String, Value>,
    pub(super) violations: Vec<v1::Violation>,
}

/// Decodes and checks; an absent document is an empty one.
pub(super) fn check_document(raw: Option<&RawStruct>, path: &str) -> Result<Checked, DocumentFault> {
    let mut violations = Vec::new();
    let object = match raw.map(RawStruct::to_object) {
        None => Map::new(),
        Some(Ok(object)) => object,
        Some(Err(DocumentError::TooDeep)) => return Err(DocumentFault::TooDeep),
        Some(Err(DocumentError::Malformed)) => return Err(DocumentFault::Malformed),
        Some(Err(DocumentError::NotFinite { path: below })) => {
            let text = "send a finite number, or leave the field out";
            violations.push(violation(format!("{path}.{below}"), "NUMBER_NOT_FINITE", text));
            Map::new()
        }
    };
    for (key, value) in &object {
        check_key(key, path, &mut violations);
        check_value(value, &format!("{path}.{key}"), &mut violations);
    }
    Ok(Checked { object, violations })
}

fn check_value(value: &Value, path: &str, violations: &mut Vec<v1::Violation>) {
    match value {
        Value::Number(number) if number.as_f64().is_some_and(|number| number.abs() > MAX_INTEGER) => {
            let text = "integers are exact within 2^53 only; send a larger one as text";
            violations.push(violation(path, "NUMBER_TOO_LARGE", text));
        }
        Value::String(text) if text.len() > MAX_TEXT => {
            let text = format!("{} bytes; a value holds at most {MAX_TEXT}", text.len());
            violations.push(violation(path, "VALUE_TOO_LARGE", text));
        }
        Value::String(text) if text.contains('\0') => {
            violations.push(violation(path, "NUL_CHARACTER", "texts cannot hold the character U+0000"));
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check_value(item, &format!("{path}[{index}]"), violations);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                check_key(key, path, violations);
                check_value(member, &format!("{path}.{key}"), violations);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn check_key(key: &str, path: &str, violations: &mut Vec<v1::Violation>) {
    if key.contains('\0') {
        violations.push(violation(path, "NUL_CHARACTER", "names cannot hold the character U+0000"));
    }
}
