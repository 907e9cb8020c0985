//! The fields in which two versions of a document differ.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::plan::FieldChange;

/// The fields that differ, by path: as deep as both sides have the same shape, so that a change of one operand in a long
/// list of changes is one line. Lists are compared place by place.
pub(crate) fn fields(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    compare("spec", Some(before), Some(after), &mut changes);
    changes
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                compare(&format!("{path}.{}", key(name)), before.get(name), after.get(name), changes);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            for place in 0..before.len().max(after.len()) {
                compare(&format!("{path}[{place}]"), before.get(place), after.get(place), changes);
            }
        }
        _ => changes.push(FieldChange {
            path: path.to_string(),
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

/// A name that a path could be misread with stands between quotes: the fields of a Fields document are paths themselves.
fn key(name: &str) -> String {
    let plain =
        !name.is_empty() && !name.contains(['.', '[', ']', '"']) && !name.chars().any(char::is_control);
    if plain { name.to_string() } else { Value::String(name.to_string()).to_string() }
}
