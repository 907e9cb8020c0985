//! Changes by path, each with an operand: what `set`, `increment` and the like have in common.

use std::collections::BTreeMap;

use serde_json::Value;
use tributary_engine::Turn;
use tributary_model::{Intent, IntentOp, Path};

use super::Reading;
use super::change::MAX_CHANGES;
use crate::at::At;
use crate::change::{ChangeRule, ChangeValue, MAX_EACH};
use crate::documents::workflow::operand::Operand;

/// Paths with their operands, as they are written.
pub(super) type Spec = BTreeMap<At<String>, At<Value>>;

/// Reads paths with their operands; what is wrong is told.
pub(super) fn read(what: &str, spec: At<Spec>, reading: &mut Reading<'_>) -> Vec<(At<Path>, At<Operand>)> {
    match spec.value.len() {
        0 => reading.tell(spec.place, format!("{what}: name one path at least")),
        1..=MAX_CHANGES => {}
        many => {
            reading.tell(spec.place, format!("{what}: {many} paths; at most {MAX_CHANGES} can be changed"));
        }
    }
    let mut edits = Vec::with_capacity(spec.value.len());
    for (path, operand) in spec.value {
        let name = path.value.clone();
        if operand.value.is_null() {
            reading
                .tell(operand.place, format!("{name}: null changes nothing; `delete` removes what is there"));
            continue;
        }
        if let (Some(path), Some(operand)) = (reading.path(path), reading.operand(&name, operand)) {
            edits.push((path, operand));
        }
    }
    edits
}

/// The rule that changes `path` by `op`.
pub(super) fn rule(op: IntentOp, path: At<Path>, operand: At<Operand>) -> ChangeRule {
    let value = match operand.value {
        Operand::Literal(value) => ChangeValue::Literal(value),
        Operand::Computed(expression) => ChangeValue::Computed(expression),
        Operand::Filled(template) => ChangeValue::Filled(template),
    };
    ChangeRule::plain(path.value, op, value, path.place, operand.place)
}

/// The operands' values. One that cannot be had is left out and recorded; `false` says that one was.
pub(super) fn values<'e>(
    what: &str,
    edits: &'e [(At<Path>, At<Operand>)],
    turn: &mut Turn<'_, '_>,
) -> (Vec<(&'e Path, Value)>, bool) {
    let (mut values, mut all) = (Vec::with_capacity(edits.len()), true);
    for (path, operand) in edits {
        match operand.value.value(turn) {
            Ok(value) => values.push((&path.value, value)),
            Err(error) => {
                turn.refuse(format!("{what} of {}: {error}", path.value));
                all = false;
            }
        }
    }
    (values, all)
}

/// Changes a set by every element of a list, or by what is no list. `false`, and recorded, where something is refused.
pub(super) fn each(op: IntentOp, path: &Path, value: Value, turn: &mut Turn<'_, '_>) -> bool {
    let elements = match value {
        Value::Array(elements) if elements.len() > MAX_EACH => {
            let many = elements.len();
            turn.refuse(format!(
                "{op} of {path}: the list has {many} elements; at most {MAX_EACH} make changes"
            ));
            return false;
        }
        Value::Array(elements) => elements,
        one => vec![one],
    };
    let mut all = true;
    for element in elements.into_iter().filter(|element| !element.is_null()) {
        all &= turn.change(Intent { path: path.clone(), op, value: Some(element) });
    }
    all
}
