//! Operands that stand for themselves and were probably meant to be made: of `{exp: …}` the object itself is written.

use serde_json::Value;

use tributary_expressions::nearest;

use crate::documents::workflow::Workflow;
use crate::documents::workflow::operand::MADE;
use crate::error::{Origin, Place};

/// What is suspicious in a workflow: where, and what is told of it.
pub(super) fn of(workflow: &Workflow, origin: &Origin) -> Vec<(Place, String)> {
    let survey = workflow.survey(origin);
    let suspicion = |(what, place, value): &(String, Place, &Value)| {
        suspicion(value).map(|reason| (*place, format!("{what}: {reason}")))
    };
    survey.literals.iter().filter_map(suspicion).collect()
}

fn suspicion(value: &Value) -> Option<String> {
    if let Some(near) = only_name(value).and_then(|name| nearest(name, MADE)) {
        return Some(format!("this object stands for itself; did you mean {near}?"));
    }
    let made = made_within(value)?;
    Some(format!(
        "{made} stands within a value here, which stands for itself; a whole operand is made: compute the value with one expr"
    ))
}

/// What looks like an operand further within.
fn made_within(value: &Value) -> Option<&str> {
    let is_made = |below| {
        let made = only_name(below).filter(|name| MADE.contains(name) && below[*name].is_string());
        made.or_else(|| made_within(below))
    };
    match value {
        Value::Object(fields) => fields.values().find_map(is_made),
        Value::Array(items) => items.iter().find_map(is_made),
        _ => None,
    }
}

fn only_name(value: &Value) -> Option<&str> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    fields.keys().next().map(String::as_str)
}
