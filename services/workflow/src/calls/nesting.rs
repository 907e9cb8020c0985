//! How deep an answer is nested. Pure.

use serde_json::Value;

/// Objects and lists of an answer lie within each other this deep at most. Events, answers and what is kept of a run may have
/// 32 levels: the rest is for where the answer is put in there.
pub(super) const MAX_NESTING: usize = 28;

/// Whether there are at most `levels` levels of objects and lists.
pub(super) fn fits(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(elements) => levels > 0 && elements.iter().all(|element| fits(element, levels - 1)),
        Value::Object(fields) => levels > 0 && fields.values().all(|value| fits(value, levels - 1)),
        _ => true,
    }
}
