//! A change rule: one line of a mapping or a workflow that says how an event changes a path.
//!
//! A rule is evaluated on a [`Sight`] and makes intents, mostly one or none. What cannot be evaluated costs the rule
//! alone and is told as a [`Failure`]; what is merely not there is no failure and changes nothing.

mod check;
mod convert;
mod read;
mod sight;

use serde_json::Value;
use tributary_expressions::{Condition, EvaluationError, Expression, Template, Verdict};
use tributary_model::{Intent, IntentOp, Path};

use crate::error::Place;
use crate::event_view::SourcePath;

pub(crate) use check::{adding, check, check_write, removing};
pub use convert::Conversion;
pub(crate) use read::{ChangeSpec, OneOrMany, condition, rules};
pub use sight::Sight;

/// The longest list that `each` makes changes of.
pub const MAX_EACH: usize = 64;

/// How an event changes one path.
#[derive(Debug, Clone)]
pub struct ChangeRule {
    /// The path it changes.
    pub path: Path,
    /// The operation.
    pub op: IntentOp,
    /// Where the operand comes from.
    pub value: ChangeValue,
    /// What is made of the operand, in order.
    pub convert: Vec<Conversion>,
    /// The operand when there is none; not converted.
    pub default: Option<Value>,
    /// When it changes anything; always, without one.
    pub when: Option<Condition>,
    pub(crate) place: Place,
    /// Where `value`, `template` and so on are written.
    pub(crate) value_place: Place,
    pub(crate) when_place: Place,
}

/// Where a change's operand comes from.
#[derive(Debug, Clone)]
pub enum ChangeValue {
    /// The operation has none.
    None,
    /// It is written in the document.
    Literal(Value),
    /// It is taken from the event, from the first of these places that has a value.
    From(Vec<SourcePath>),
    /// Each element of a list in the event makes one change.
    Each(Vec<SourcePath>),
    /// It is a text, filled in.
    Filled(Template),
    /// It is computed.
    Computed(Expression),
}

/// What a rule, or a whole mapping, makes of an event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Made {
    /// What is to change, in order.
    pub intents: Vec<Intent>,
    /// What could not be evaluated, and is left out.
    pub failures: Vec<Failure>,
    /// The paths whose absence left a computed or filled operand without a value.
    pub missing: Vec<String>,
}

/// Something of a rule that could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The path that was to change; empty when the whole mapping is meant.
    pub path: String,
    /// Stable, for programs; listed in docs/errors.md.
    pub reason: &'static str,
    /// For people. Names paths and types, never values.
    pub description: String,
}

impl ChangeRule {
    /// A rule that is evaluated always, of what is written at these places.
    pub(crate) fn plain(
        path: Path,
        op: IntentOp,
        value: ChangeValue,
        place: Place,
        value_place: Place,
    ) -> ChangeRule {
        let (convert, default, when) = (Vec::new(), None, None);
        ChangeRule { path, op, value, convert, default, when, place, value_place, when_place: place }
    }

    /// What this rule makes of what `sight` shows.
    #[must_use]
    pub fn make(&self, sight: &Sight<'_>) -> Made {
        let mut made = Made::default();
        match holds(self.when.as_ref(), sight) {
            Ok(true) => {}
            Ok(false) => return made,
            Err(failure) => {
                made.failures.push(Failure { path: self.path.to_string(), ..failure });
                return made;
            }
        }
        match self.operands(sight, &mut made) {
            Ok(Operands::Without) => made.intents.push(self.intent(None)),
            Ok(Operands::Ready(values)) => {
                made.intents.extend(values.into_iter().map(|value| self.intent(Some(value))))
            }
            Ok(Operands::Raw(elements)) => {
                for Element { number, value } in elements {
                    match self.converted(value) {
                        Ok(value) => made.intents.push(self.intent(Some(value))),
                        Err(told) => {
                            let told =
                                number.map_or(told.clone(), |number| format!("element {number}: {told}"));
                            made.failures.push(self.failure("CONVERSION_FAILED", told));
                        }
                    }
                }
            }
            Err(failure) => made.failures.push(failure),
        }
        made
    }

    fn operands(&self, sight: &Sight<'_>, made: &mut Made) -> Result<Operands, Failure> {
        let evaluated = match &self.value {
            ChangeValue::None => return Ok(Operands::Without),
            ChangeValue::Literal(value) => return Ok(Operands::Ready(vec![value.clone()])),
            ChangeValue::From(paths) | ChangeValue::Each(paths) => {
                Ok(paths.iter().find_map(|path| path.read(sight.event())))
            }
            ChangeValue::Filled(template) => template.render(sight.scope()).map(|text| Some(text.into())),
            ChangeValue::Computed(expression) => expression.evaluate(sight.scope()).map(Some),
        };
        let value = match evaluated {
            Ok(value) => value.filter(|value| !value.is_null()),
            Err(EvaluationError::Missing { what }) => {
                if self.default.is_none() {
                    made.missing.push(what);
                }
                None
            }
            Err(EvaluationError::Failed { reason }) => {
                let filled = matches!(self.value, ChangeValue::Filled(_));
                let code = if filled { "TEMPLATE_FAILED" } else { "EXPRESSION_FAILED" };
                return Err(self.failure(code, reason));
            }
        };
        match value {
            Some(value) => self.spread(value).map(Operands::Raw),
            None => match &self.default {
                Some(default) => {
                    let elements = self.spread(default.clone())?;
                    Ok(Operands::Ready(elements.into_iter().map(|element| element.value).collect()))
                }
                None => Ok(Operands::Ready(Vec::new())),
            },
        }
    }

    /// The elements of a list where the rule is about each; a scalar is a list of one, and null is not known.
    fn spread(&self, value: Value) -> Result<Vec<Element>, Failure> {
        match (&self.value, value) {
            (ChangeValue::Each(_), Value::Array(items)) if items.len() > MAX_EACH => {
                let told = format!("the list has {} elements; at most {MAX_EACH} make changes", items.len());
                Err(self.failure("LIST_TOO_LONG", told))
            }
            (ChangeValue::Each(_), Value::Array(items)) => {
                let elements = (1..).zip(items).filter(|(_, item)| !item.is_null());
                Ok(elements.map(|(number, value)| Element { number: Some(number), value }).collect())
            }
            (_, value) => Ok(vec![Element { number: None, value }]),
        }
    }

    fn converted(&self, value: Value) -> Result<Value, String> {
        self.convert.iter().try_fold(value, |value, conversion| conversion.apply(&value))
    }

    fn intent(&self, value: Option<Value>) -> Intent {
        Intent { path: self.path.clone(), op: self.op, value }
    }

    fn failure(&self, reason: &'static str, description: impl Into<String>) -> Failure {
        Failure { path: self.path.to_string(), reason, description: description.into() }
    }
}

/// The operands of a rule.
enum Operands {
    /// The operation takes none.
    Without,
    /// As they are.
    Ready(Vec<Value>),
    /// To be converted first.
    Raw(Vec<Element>),
}

/// One operand, and which element of the event's list it is: from 1, as the client counts, nulls included.
struct Element {
    number: Option<usize>,
    value: Value,
}

/// Whether a condition lets something happen; one that reads a missing path does not.
pub(crate) fn holds(condition: Option<&Condition>, sight: &Sight<'_>) -> Result<bool, Failure> {
    match condition.map(|condition| condition.evaluate(sight.scope())) {
        None | Some(Verdict::True) => Ok(true),
        Some(Verdict::False | Verdict::Missing { .. }) => Ok(false),
        Some(Verdict::Failed { reason }) => {
            let description = format!("when: {reason}");
            Err(Failure { path: String::new(), reason: "CONDITION_FAILED", description })
        }
    }
}

#[cfg(test)]
mod tests;
