//! A change rule: one line of a mapping or a workflow that says how an event changes a path.

use serde::Deserialize;
use serde_json::{Value, json};
use serde_saphyr::Spanned;
use tributary_expressions::{EvaluationError, Expression, Scope};
use tributary_model::{
    Admission, Cause, EventId, Intent, IntentOp, Kind, Kinds, Limits, Path, Refusal, Stage, State, Time,
};

use crate::error::{Origin, Place, Problems};
use crate::event_view::{EventView, SourcePath};

/// How an event changes one path.
#[derive(Debug, Clone)]
pub struct ChangeRule {
    /// The path it changes.
    pub path: Path,
    /// The operation.
    pub op: IntentOp,
    /// Where the operand comes from.
    pub value: ChangeValue,
    place: Place,
}

/// Where a change's operand comes from.
#[derive(Debug, Clone)]
pub enum ChangeValue {
    /// The operation has none.
    None,
    /// It is written in the document.
    Literal(Value),
    /// It is taken from the event.
    From(SourcePath),
    /// It is computed.
    Computed(Expression),
}

impl ChangeRule {
    /// The intent this rule makes of `event`; `None` when the event does not have the value. `scope` is what a
    /// computed operand sees.
    ///
    /// # Errors
    /// When a computed operand cannot be computed.
    pub fn intent(
        &self,
        event: &EventView<'_>,
        scope: Option<&Scope>,
    ) -> Result<Option<Intent>, EvaluationError> {
        let value = match (&self.value, scope) {
            (ChangeValue::None, _) => None,
            (ChangeValue::Literal(value), _) => Some(value.clone()),
            (ChangeValue::From(path), _) => match path.read(event) {
                Some(value) => Some(value),
                None => return Ok(None),
            },
            (ChangeValue::Computed(expression), Some(scope)) => match expression.evaluate(scope)? {
                Value::Null => return Ok(None),
                value => Some(value),
            },
            (ChangeValue::Computed(_), None) => return Ok(None),
        };
        Ok(Some(Intent { path: self.path.clone(), op: self.op, value }))
    }
}

/// A change as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeSpec {
    path: Spanned<String>,
    op: Spanned<IntentOp>,
    #[serde(default)]
    value: Option<Spanned<Value>>,
    #[serde(default)]
    from: Option<Spanned<String>>,
    #[serde(default)]
    expr: Option<Spanned<String>>,
}

/// Whether a document may compute operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Computing {
    Allowed,
    Refused,
}

/// Reads the changes of a document; what is wrong with one is told and the one left out.
pub(crate) fn rules(
    specs: Vec<ChangeSpec>,
    computing: Computing,
    origin: &Origin,
    problems: &mut Problems,
) -> Vec<ChangeRule> {
    specs.into_iter().filter_map(|spec| rule(spec, computing, origin, problems)).collect()
}

/// Checks `rules` against the kinds of their tenant's paths, by asking admission with an operand of the right
/// sort: what admission refuses for its operation or its literal value would be refused for every event.
pub(crate) fn check(rules: &[ChangeRule], kinds: &Kinds, origin: &Origin, problems: &mut Problems) {
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
    for rule in rules {
        let value = match &rule.value {
            ChangeValue::None => None,
            ChangeValue::Literal(value) => Some(value.clone()),
            ChangeValue::From(_) | ChangeValue::Computed(_) => sample(rule.op),
        };
        let intent = Intent { path: rule.path.clone(), op: rule.op, value };
        if let Err(refusal) = tributary_model::admit(&[intent], &admission) {
            problems.add(origin, rule.place, with_advice(&refusal));
        }
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

fn rule(
    spec: ChangeSpec,
    computing: Computing,
    origin: &Origin,
    problems: &mut Problems,
) -> Option<ChangeRule> {
    let place = Place::from(spec.path.referenced);
    let path = match Path::new(spec.path.value.clone()) {
        Ok(path) => path,
        Err(error) => {
            problems.add(origin, place, error.to_string());
            return None;
        }
    };
    let op = spec.op.value;
    let op_place = Place::from(spec.op.referenced);
    let value = match (spec.value, spec.from, spec.expr) {
        (None, None, None) => ChangeValue::None,
        (Some(value), None, None) => ChangeValue::Literal(value.value),
        (None, Some(from), None) => match SourcePath::parse(&from.value) {
            Ok(path) => ChangeValue::From(path),
            Err(reason) => {
                problems.add(origin, from.referenced.into(), reason);
                return None;
            }
        },
        (None, None, Some(expr)) if computing == Computing::Refused => {
            problems.add(origin, expr.referenced.into(), "expr works in workflows only; use value or from");
            return None;
        }
        (None, None, Some(expr)) => match Expression::compile(&expr.value) {
            Ok(expression) => ChangeValue::Computed(expression),
            Err(error) => {
                problems.add(origin, expr.referenced.into(), format!("expr: {error}"));
                return None;
            }
        },
        _ => {
            problems.add(origin, place, format!("{}: give one of value, from and expr", spec.path.value));
            return None;
        }
    };
    let given = !matches!(value, ChangeValue::None);
    match operand(op) {
        Operand::Needed if !given => {
            problems.add(origin, op_place, format!("{op} needs a value"));
            None
        }
        Operand::Refused if given => {
            problems.add(origin, op_place, format!("{op} takes no value"));
            None
        }
        _ => Some(ChangeRule { path, op, value, place }),
    }
}

enum Operand {
    Needed,
    Optional,
    Refused,
}

fn operand(op: IntentOp) -> Operand {
    match op {
        IntentOp::Set
        | IntentOp::SetIfAbsent
        | IntentOp::Replace
        | IntentOp::Increment
        | IntentOp::Decrement
        | IntentOp::Min
        | IntentOp::Max
        | IntentOp::AddToSet
        | IntentOp::RemoveFromSet
        | IntentOp::Append => Operand::Needed,
        IntentOp::Grant => Operand::Optional,
        IntentOp::Unset
        | IntentOp::Reset
        | IntentOp::Clear
        | IntentOp::Revoke
        | IntentOp::Enter
        | IntentOp::Leave => Operand::Refused,
    }
}

/// An operand that `op` accepts, for checking a rule whose operand is known only with the event.
fn sample(op: IntentOp) -> Option<Value> {
    match op {
        IntentOp::Increment | IntentOp::Decrement | IntentOp::Min | IntentOp::Max => Some(json!(1)),
        IntentOp::Grant => Some(json!({"expires": "2030-01-01T00:00:00Z"})),
        IntentOp::Replace => Some(json!({"field": "sample"})),
        _ => Some(json!("sample")),
    }
}
