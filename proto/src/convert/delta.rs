//! What a payload did.

use super::{changes_to_wire, version_to_wire};
use crate::{
    raw::RawValue,
    v1::{self, Effect},
};
use tributary_model::{Delta, Version};

impl From<&Delta> for v1::Delta {
    fn from(delta: &Delta) -> Self {
        let effect = if delta.changed { Effect::Changed } else { Effect::Unchanged };
        Self {
            path: delta.path.to_string(),
            before: delta.before.as_ref().map(RawValue::from_json),
            after: delta.after.as_ref().map(RawValue::from_json),
            effect: effect.into(),
            changes: changes_to_wire(&delta.changes),
        }
    }
}

/// All deltas of a payload, between two versions; `before` is the default version for something new.
pub fn deltas_to_wire(before: Version, after: Version, deltas: &[Delta]) -> v1::Deltas {
    v1::Deltas {
        version_before: version_to_wire(before),
        version_after: version_to_wire(after),
        deltas: deltas.iter().map(v1::Delta::from).collect(),
    }
}
