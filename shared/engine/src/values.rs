//! What values may be where a run puts them. Answers of others may hold anything; events, profiles and their readers do not.

use serde_json::{Map, Value};
use tributary_model::MAX_EXACT;

use crate::bytes::is_larger;
use crate::limits::{MAX_EVENT_BYTES, MAX_NAME_BYTES, MAX_NESTING, MAX_SHOWN_BYTES, MAX_TEXT_BYTES};

/// Whether objects and lists lie more than `levels` deep within each other.
pub(crate) fn is_deeper(value: &Value, levels: usize) -> bool {
    match (value, levels) {
        (Value::Array(_) | Value::Object(_), 0) => true,
        (Value::Array(items), _) => items.iter().any(|item| is_deeper(item, levels - 1)),
        (Value::Object(fields), _) => fields.values().any(|field| is_deeper(field, levels - 1)),
        _ => false,
    }
}

/// What is wrong with a value that is too deep for where it is put.
pub(crate) fn too_deep() -> String {
    format!("TOO_DEEP: objects and lists lie at most {MAX_NESTING} deep within each other here")
}

/// What is wrong with a field of something that leaves the run, if anything is.
pub(crate) fn fault(field: &Value) -> Option<String> {
    // The field lies in an object.
    if is_deeper(field, MAX_NESTING - 1) {
        return Some(too_deep());
    }
    unkept(field)
}

/// What is wrong with a property of an event, if anything is: what admission would refuse.
pub(crate) fn fault_of_property(property: &Value) -> Option<String> {
    fault(property).or_else(|| {
        wrong(property, &|part| match part {
            Part::Name(name) if name.len() > MAX_NAME_BYTES => {
                Some(format!("NAME_TOO_LONG: a name in an event has at most {MAX_NAME_BYTES} bytes"))
            }
            Part::Text(text) if text.len() > MAX_TEXT_BYTES => {
                Some(format!("VALUE_TOO_LARGE: a text in an event has at most {MAX_TEXT_BYTES} bytes"))
            }
            _ => None,
        })
    })
}

/// What is wrong with a value wherever it is kept, if anything is. How deep it may be depends on where.
pub(crate) fn unkept(value: &Value) -> Option<String> {
    wrong(value, &|part| match part {
        Part::Name(text) | Part::Text(text) => nul(text),
        Part::Number(number) => inexact(number),
    })
}

/// What is wrong with the properties of an event that have so many bytes together, if anything is.
pub(crate) fn too_many_bytes(bytes: usize) -> Option<String> {
    (bytes > MAX_EVENT_BYTES)
        .then(|| format!("TOO_LARGE: the properties of an event have at most {MAX_EVENT_BYTES} bytes"))
}

/// The bytes of a field as it is encoded in an event.
pub(crate) fn encoded_bytes(name: &str, value: &Value) -> usize {
    framed(framed(name.len()) + framed(encoded_value(value)))
}

fn encoded_value(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 2,
        Value::Number(_) => 9,
        Value::String(text) => framed(text.len()),
        Value::Array(items) => framed(items.iter().map(|item| framed(encoded_value(item))).sum()),
        Value::Object(fields) => framed(fields.iter().map(|(name, field)| encoded_bytes(name, field)).sum()),
    }
}

/// What holds so many bytes, with its key and its length.
fn framed(bytes: usize) -> usize {
    let digits = (usize::BITS - bytes.leading_zeros()).div_ceil(7).max(1);
    1 + digits as usize + bytes
}

/// The value as a record shows it: one that is large, or too deep for readers, is not copied but described.
pub(crate) fn shown(value: &Value) -> Value {
    let what = match value {
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
        Value::String(_) => "a text",
        Value::Null | Value::Bool(_) | Value::Number(_) => return value.clone(),
    };
    if is_larger(value, MAX_SHOWN_BYTES) {
        return format!("({what} of more than {MAX_SHOWN_BYTES} bytes)").into();
    }
    // It is told within an object.
    if is_deeper(value, MAX_NESTING - 1) {
        return format!("({what} that is too deep to be shown)").into();
    }
    value.clone()
}

enum Part<'v> {
    Name(&'v str),
    Text(&'v str),
    Number(&'v serde_json::Number),
}

/// The first thing that is wrong with a part of the value.
fn wrong(value: &Value, of: &impl Fn(Part<'_>) -> Option<String>) -> Option<String> {
    match value {
        Value::Null | Value::Bool(_) => None,
        Value::Number(number) => of(Part::Number(number)),
        Value::String(text) => of(Part::Text(text)),
        Value::Array(items) => items.iter().find_map(|item| wrong(item, of)),
        Value::Object(fields) => wrong_in(fields, of),
    }
}

fn wrong_in(fields: &Map<String, Value>, of: &impl Fn(Part<'_>) -> Option<String>) -> Option<String> {
    fields.iter().find_map(|(name, field)| of(Part::Name(name)).or_else(|| wrong(field, of)))
}

fn nul(text: &str) -> Option<String> {
    text.contains('\0').then(|| "NUL_CHARACTER: texts and names cannot hold the character U+0000".to_owned())
}

fn inexact(number: &serde_json::Number) -> Option<String> {
    let is_large = number.as_f64().is_some_and(|number| number.abs() > MAX_EXACT as f64);
    is_large
        .then(|| "NUMBER_TOO_LARGE: numbers are exact within 2^53 only; a larger one goes as text".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_as_deep_as_objects_and_lists_lie_in_it() {
        for (value, depth) in
            [(json!(1), 0), (json!([]), 1), (json!({"a": "b"}), 1), (json!([1, [2], {"a": [3]}]), 3)]
        {
            assert!(!is_deeper(&value, depth), "{value}");
            assert!(depth == 0 || is_deeper(&value, depth - 1), "{value}");
        }
    }

    #[test]
    fn properties_are_as_large_as_they_are_encoded() {
        let value = json!({
            "null": null, "yes": true, "number": 1.5, "text": "grün", "long": "x".repeat(200), "empty": {}, "none": [],
            "list": [1, "a", {"b": vec![0; 3000]}, [false]],
        });
        let Value::Object(properties) = value else { unreachable!() };
        let bytes: usize = properties.iter().map(|(name, value)| encoded_bytes(name, value)).sum();
        assert_eq!(bytes, tributary_proto::raw::RawStruct::from_object(&properties).len());
    }

    #[test]
    fn what_admission_would_refuse_is_wrong() {
        let nested = |levels: usize| (0..levels).fold(json!(1), |value, _| json!([value]));
        let told = |value| fault_of_property(&value).unwrap_or_default();
        assert_eq!(told(nested(MAX_NESTING - 1)), "");
        assert!(told(nested(MAX_NESTING)).starts_with("TOO_DEEP: "));
        assert_eq!(told(json!([9_007_199_254_740_992_u64, -0.5, "x", null, {"a": true}])), "");
        assert!(told(json!([9_007_199_254_740_994_u64])).starts_with("NUMBER_TOO_LARGE: "));
        assert!(told(json!({"a": -1e300})).starts_with("NUMBER_TOO_LARGE: "));
        assert!(told(json!(["a\0b"])).starts_with("NUL_CHARACTER: "));
        assert!(told(json!({"a\0b": 1})).starts_with("NUL_CHARACTER: "));
        assert!(told(json!("x".repeat(MAX_TEXT_BYTES + 1))).starts_with("VALUE_TOO_LARGE: "));
        assert!(told(json!({"x".repeat(MAX_NAME_BYTES + 1): 1})).starts_with("NAME_TOO_LONG: "));
        assert_eq!(
            fault(&json!("x".repeat(MAX_TEXT_BYTES + 1))),
            None,
            "whoever is answered takes long texts"
        );
        assert_eq!(unkept(&nested(MAX_NESTING)), None, "how deep a profile is follows from the path, too");
    }
}
