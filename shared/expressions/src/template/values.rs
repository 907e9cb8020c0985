//! JSON to what templates calculate with, and from there into the text.

use std::borrow::Cow;
use std::fmt::Write as _;

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind, Output};
use tributary_model::MAX_EXACT;

/// Something that has no text of its own stands where a text is filled in.
#[derive(Debug, thiserror::Error)]
#[error("a {0} cannot be filled in as a text; pick a field of it, or use join for a list")]
pub(super) struct NotText(&'static str);

/// A JSON document as templates see it: whole numbers are integers, fields that are null are left out.
pub(crate) fn to_template(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(b) => Value::from(*b),
        serde_json::Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(f)) => number(f),
            (None, None) => Value::from(f64::NAN),
        },
        serde_json::Value::String(s) => Value::from(s.as_str()),
        serde_json::Value::Array(items) => items.iter().map(to_template).collect(),
        serde_json::Value::Object(fields) => Value::from_pairs(
            fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.as_str(), to_template(value))),
        ),
    }
}

fn number(f: f64) -> Value {
    if f.fract() == 0.0 && f.abs() <= MAX_EXACT as f64 { Value::from(f as i64) } else { Value::from(f) }
}

/// Writes what a hole holds: texts as they are, numbers as JSON writes them, `true` and `false`.
pub(super) fn write(out: &mut Output<'_>, value: &Value) -> Result<(), Error> {
    out.write_str(&text(value)?).map_err(Error::from)
}

/// Writes what a hole of an address holds: percent-encoded, but for the characters that mean nothing there.
pub(super) fn write_encoded(out: &mut Output<'_>, value: &Value) -> Result<(), Error> {
    for byte in text(value)?.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.write_char(char::from(byte))?;
            }
            _ => write!(out, "%{byte:02X}")?,
        }
    }
    Ok(())
}

fn text(value: &Value) -> Result<Cow<'_, str>, Error> {
    match value.kind() {
        ValueKind::String => Ok(Cow::Borrowed(value.as_str().unwrap_or_default())),
        ValueKind::Bool => Ok(Cow::Borrowed(if value.is_true() { "true" } else { "false" })),
        ValueKind::Number => match f64::try_from(value.clone()) {
            Ok(f) if !value.is_integer() => Ok(Cow::Owned(number(f).to_string())),
            _ => Ok(Cow::Owned(value.to_string())),
        },
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::Seq | ValueKind::Iterable => Err(not_text("list")),
        ValueKind::Map => Err(not_text("map")),
        ValueKind::None => Err(not_text("null")),
        _ => Err(not_text("value of a special type")),
    }
}

fn not_text(what: &'static str) -> Error {
    Error::from(ErrorKind::InvalidOperation).with_source(NotText(what))
}
