//! Change rules against the kinds of their tenant's paths.

use serde_json::{Value, json};
use tributary_model::{
    Admission, Cause, EventId, Intent, IntentOp, Kind, Kinds, Limits, Path, Refusal, Stage, State, Time,
};

use super::read::{Operand, operand};
use super::{ChangeRule, ChangeValue, Conversion};
use crate::error::{Origin, Problems};
use crate::survey::{How, Write};

/// Checks `rules` by asking admission with an operand of the sort that each rule makes: what admission refuses for its
/// operation, its literal value or its conversion would be refused for every event.
pub(crate) fn check(rules: &[ChangeRule], kinds: &Kinds, origin: &Origin, problems: &mut Problems) {
    for rule in rules {
        let mut refused = |value: Option<Value>| {
            let intent = Intent { path: rule.path.clone(), op: rule.op, value };
            let refusal = refusal(intent, kinds)?;
            problems.add(origin, rule.place, with_advice(&refusal));
            Some(())
        };
        let told = refused(sample(rule));
        if told.is_none() {
            let _ = defaults(rule).into_iter().try_for_each(|value| refused(Some(value)).map_or(Ok(()), Err));
        }
    }
}

/// Checks what a node writes, likewise.
pub(crate) fn check_write(write: &Write<'_>, kinds: &Kinds, origin: &Origin, problems: &mut Problems) {
    let path = || write.path.clone();
    let reason = match write.how {
        How::Rule(rule) => return check(std::slice::from_ref(rule), kinds, origin, problems),
        How::Op(op) => {
            let value = if matches!(operand(op), Operand::Needed) { accepted(op) } else { None };
            refusal(Intent { path: path(), op, value }, kinds).map(|refusal| with_advice(&refusal))
        }
        How::Add => adding(write.path, kinds).err(),
        How::Remove => removing(write.path, kinds).err(),
    };
    if let Some(reason) = reason {
        problems.add(origin, write.place, reason);
    }
}

/// The operation that adds an element to what `path` holds.
///
/// # Errors
/// In words, for a path that holds no elements.
pub(crate) fn adding(path: &Path, kinds: &Kinds) -> Result<IntentOp, String> {
    match kinds.kind_of(path).map_err(|refusal| refusal.to_string())? {
        Kind::Set => Ok(IntentOp::AddToSet),
        Kind::List => Ok(IntentOp::Append),
        kind => Err(format!(
            "`{path}` is a {kind}, and only sets and lists are added to; declare its kind in a Fields document"
        )),
    }
}

/// The operation that removes all that `path` holds.
///
/// # Errors
/// In words, for a path of which nothing can be removed.
pub(crate) fn removing(path: &Path, kinds: &Kinds) -> Result<IntentOp, String> {
    match kinds.kind_of(path).map_err(|refusal| refusal.to_string())? {
        Kind::Register => Ok(IntentOp::Unset),
        Kind::Counter => Ok(IntentOp::Reset),
        Kind::Set | Kind::List => Ok(IntentOp::Clear),
        Kind::Flag if path.parts().next() == Some("segments") => Ok(IntentOp::Leave),
        Kind::Flag => Ok(IntentOp::Revoke),
        kind @ (Kind::Min | Kind::Max | Kind::Visits) => {
            Err(format!("`{path}` is a {kind}, which is never removed"))
        }
    }
}

/// What admission says against an intent on an empty profile.
fn refusal(intent: Intent, kinds: &Kinds) -> Option<Refusal> {
    let event = EventId::new("check").expect("a constant id is valid");
    let cause = Cause { event, stage: Stage::Workflow };
    let admission = Admission {
        kinds,
        state: &State::default(),
        cause: &cause,
        commit_key: "0",
        time: Time::from_micros(0),
        first_ordinal: 0,
        limits: &Limits::default(),
    };
    tributary_model::admit(&[intent], &admission).err()
}

/// The operands that stand in for one that is missing.
fn defaults(rule: &ChangeRule) -> Vec<Value> {
    match (&rule.value, rule.default.clone()) {
        (_, None) => Vec::new(),
        (ChangeValue::Each(_), Some(Value::Array(items))) => items,
        (_, Some(value)) => vec![value],
    }
}

/// A path is a register until it is declared, which is what is forgotten most often.
fn with_advice(refusal: &Refusal) -> String {
    match refusal {
        Refusal::WrongOperation { path, kind: Kind::Register, .. } => {
            format!("{refusal}; or declare the kind of `{path}` in a Fields document")
        }
        _ => refusal.to_string(),
    }
}

/// An operand such as the rule makes, as far as that is known without an event; else one that the operation accepts.
fn sample(rule: &ChangeRule) -> Option<Value> {
    match (&rule.value, rule.convert.last()) {
        (ChangeValue::None, _) => None,
        (ChangeValue::Literal(value), _) => Some(value.clone()),
        (_, Some(Conversion::Number | Conversion::Integer)) => Some(json!(1)),
        (_, Some(Conversion::Boolean)) => Some(json!(true)),
        (_, Some(Conversion::Time)) => Some(json!("2030-01-01T00:00:00Z")),
        (_, Some(Conversion::Text | Conversion::Lower | Conversion::Upper | Conversion::Trimmed))
        | (ChangeValue::Filled(_), None) => Some(text_for(rule.op)),
        (ChangeValue::From(_) | ChangeValue::Each(_) | ChangeValue::Computed(_), None) => accepted(rule.op),
    }
}

/// A text; for bounds one that is a time, since a text may be one.
fn text_for(op: IntentOp) -> Value {
    match op {
        IntentOp::Min | IntentOp::Max => json!("2030-01-01T00:00:00Z"),
        _ => json!("sample"),
    }
}

/// An operand that `op` accepts, for a rule whose operand is known only with the event.
fn accepted(op: IntentOp) -> Option<Value> {
    match op {
        IntentOp::Increment | IntentOp::Decrement | IntentOp::Min | IntentOp::Max => Some(json!(1)),
        IntentOp::Grant => Some(json!({"expires": "2030-01-01T00:00:00Z"})),
        IntentOp::Replace => Some(json!({"field": "sample"})),
        _ => Some(json!("sample")),
    }
}
