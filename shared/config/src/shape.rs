//! A shape: a JSON Schema (draft 2020-12) of an event's properties or context, compiled once.
//!
//! Nothing outside of the document is ever looked at, patterns take time in proportion to the text they are matched
//! with, what it asks is bounded (`shape/work.rs`), and what does not fit is said without the values that do not: they may
//! be personal data.

mod refused;
mod words;
mod work;

pub(crate) use work::parts;

use std::fmt;
use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value};

/// The largest schema, as JSON.
const MAX_BYTES: usize = 64 * 1024;
/// How deep a schema may nest.
const MAX_DEPTH: usize = 64;
/// The largest compiled pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// The most misfits told of one event.
pub(crate) const MAX_MISFITS: usize = 16;

/// How much may be asked of all parts of one event, in keywords: each takes some 20 ns.
const MAX_ASKED_OF_AN_EVENT: usize = 10_000_000;

/// A compiled JSON Schema.
#[derive(Clone)]
pub(crate) struct Shape {
    validator: Arc<Validator>,
    /// The most parts of an event that it can be asked about.
    most_parts: usize,
}

/// Where an event does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The part of the event, such as `properties.items[2].price`.
    pub path: String,
    /// What is wrong with it, for people. Says no value.
    pub description: String,
}

impl Shape {
    /// Compiles `schema`.
    ///
    /// # Errors
    /// In words: too large, a reference out of the document, an unknown format, or no schema at all.
    pub(crate) fn compile(schema: &Value) -> Result<Shape, String> {
        let Value::Object(fields) = schema else { return Err("a schema is an object".to_string()) };
        let bytes = schema.to_string().len();
        if bytes > MAX_BYTES {
            return Err(format!("the schema has {bytes} bytes; at most {MAX_BYTES} are allowed"));
        }
        check_references(schema, 1)?;
        let work = work::of(schema)?;
        if let Some(draft) = fields.get("$schema").and_then(Value::as_str)
            && draft.trim_end_matches('#') != "https://json-schema.org/draft/2020-12/schema"
        {
            return Err("$schema: schemas are read as draft 2020-12; leave it out".to_string());
        }
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .with_pattern_options(
                PatternOptions::regex().size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES),
            )
            .build(schema)
            .map(|validator| Shape {
                validator: Arc::new(validator),
                most_parts: MAX_ASKED_OF_AN_EVENT / work.of_each.max(1),
            })
            .map_err(|error| refused::words(&error))
    }

    /// Adds where `object`, which is the event's `part`, does not fit, until `misfits` has [`MAX_MISFITS`].
    pub(crate) fn check(&self, object: &Map<String, Value>, part: &str, misfits: &mut Vec<Misfit>) {
        let value = Value::Object(object.clone());
        let parts = work::parts(&value);
        if parts > self.most_parts {
            let description =
                format!("has {parts} parts; {} can be checked against such a schema", self.most_parts);
            return misfits.push(Misfit { path: part.to_string(), description });
        }
        if self.validator.is_valid(&value) {
            return;
        }
        for error in self.validator.iter_errors(&value) {
            for misfit in words::misfits(&error, part) {
                if misfits.len() == MAX_MISFITS {
                    return;
                }
                misfits.push(misfit);
            }
        }
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shape")
    }
}

/// References lead to other parts of the same document only, and the document keeps its own name.
fn check_references(schema: &Value, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("the schema nests too deeply: at most {MAX_DEPTH} levels are allowed"));
    }
    match schema {
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| match (name.as_str(), value) {
            ("$ref" | "$dynamicRef", Value::String(target)) if !target.starts_with('#') => {
                Err(format!("{name}: a reference leads within the schema, like #/$defs/address"))
            }
            ("$id", Value::String(_)) => Err("$id cannot be used: nothing refers to a schema".to_string()),
            _ => check_references(value, depth + 1),
        }),
        Value::Array(items) => items.iter().try_for_each(|item| check_references(item, depth + 1)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
