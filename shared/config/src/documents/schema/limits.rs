//! What no event can hold, so no example either: the mesh refuses such an event before any schema is asked.

use serde_json::{Map, Value};

/// The most bytes of an event's properties and of its context, as JSON.
const MAX_PROPERTIES: usize = 256 * 1024;
const MAX_CONTEXT: usize = 32 * 1024;
/// How deep objects and lists may lie within each other.
const MAX_NESTING: usize = 32;
/// The most bytes of one text and of one name.
const MAX_TEXT: usize = 8 * 1024;
const MAX_NAME: usize = 256;
/// Integers beyond it are not exact in JSON: 2^53.
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

/// Why no event could have these properties and this context, in words and without their values.
pub(super) fn refusal(properties: &Map<String, Value>, context: &Map<String, Value>) -> Option<String> {
    let parts = [("properties", properties, MAX_PROPERTIES), ("context", context, MAX_CONTEXT)];
    parts.into_iter().find_map(|(part, object, most)| {
        let reason = of_object(object, 1).or_else(|| {
            let bytes = serde_json::to_string(object).map_or(usize::MAX, |json| json.len());
            (bytes > most).then(|| format!("{bytes} bytes; an event has at most {most} there"))
        });
        reason.map(|reason| format!("no event can be like this example: {part}: {reason}"))
    })
}

fn of_object(object: &Map<String, Value>, depth: usize) -> Option<String> {
    object.iter().find_map(|(name, value)| {
        if name.len() > MAX_NAME {
            return Some(format!("a name has at most {MAX_NAME} bytes"));
        }
        if name.contains('\0') {
            return Some("a name cannot hold the character U+0000".to_string());
        }
        of_value(value, depth)
    })
}

fn of_value(value: &Value, depth: usize) -> Option<String> {
    match value {
        Value::Array(_) | Value::Object(_) if depth > MAX_NESTING => {
            Some(format!("it nests deeper than {MAX_NESTING} levels"))
        }
        Value::Array(items) => items.iter().find_map(|item| of_value(item, depth + 1)),
        Value::Object(object) => of_object(object, depth + 1),
        Value::String(text) if text.len() > MAX_TEXT => {
            Some(format!("a text of {} bytes; a value holds at most {MAX_TEXT}", text.len()))
        }
        Value::String(text) if text.contains('\0') => {
            Some("a text cannot hold the character U+0000".to_string())
        }
        Value::Number(number) if number.as_f64().is_none_or(|number| number.abs() > MAX_INTEGER) => {
            Some("integers are exact within 2^53 only: write a larger one as a text".to_string())
        }
        _ => None,
    }
}
