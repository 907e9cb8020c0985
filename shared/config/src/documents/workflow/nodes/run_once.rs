//! `run_once`: tells the first time from all later ones: for ever, for a while, or for as long as a value stays the same.

use std::borrow::Cow;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tributary_engine::{MAX_PAUSE, Node, Step, Turn};
use tributary_expressions::Expression;
use tributary_model::{Intent, canonical, canonical_text};

use super::NodeKind;
use super::kept::{self, Shelf};
use super::moments::SHORTEST;
use crate::at::At;
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;

/// Tells the first time of a profile from later ones.
#[derive(Debug)]
pub(crate) struct RunOnce {
    per: Option<Duration>,
    value: Option<At<Expression>>,
}

/// What counts as the first time of a profile: once for ever, when nothing is said.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RunOnce")]
pub(crate) struct RunOnceSpec {
    /// How long after a first time the next one is first again, such as 1day, up to 366 days.
    #[serde(default)]
    per: Option<At<String>>,
    /// CEL; the first time with another value than the last one is first again.
    #[serde(default)]
    value: Option<At<String>>,
}

impl NodeKind for RunOnce {
    const NAME: &'static str = "run_once";
    type Spec = RunOnceSpec;

    fn read(spec: At<RunOnceSpec>, reading: &mut Reading<'_>) -> Option<RunOnce> {
        let (asks_per, asks_value) = (spec.value.per.is_some(), spec.value.value.is_some());
        let per = spec.value.per.and_then(|per| reading.duration("per", per, SHORTEST..=MAX_PAUSE));
        let value = spec.value.value.and_then(|value| reading.expression("value", value));
        (asks_per == per.is_some() && asks_value == value.is_some()).then_some(RunOnce { per, value })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        vec!["first".into(), "again".into()]
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        if let Some(value) = &self.value {
            survey.expression("value", value);
        }
    }
}

impl Node for RunOnce {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        match self.first(turn) {
            Ok(None) => Step::Leave("again".into()),
            Ok(Some(intents)) => {
                // What is not remembered would be first again and again.
                if intents.into_iter().all(|intent| turn.change(intent)) {
                    Step::Leave("first".into())
                } else {
                    let reason = "the first time cannot be remembered in the profile".into();
                    Step::Error { reason, otherwise: None }
                }
            }
            Err(reason) => Step::Error { reason, otherwise: None },
        }
    }
}

impl RunOnce {
    /// What a first time changes; `None` when it is none.
    fn first(&self, turn: &mut Turn<'_, '_>) -> Result<Option<Vec<Intent>>, String> {
        let too_long = |error| format!("the name of the workflow or the node is too long: {error}");
        let shelf = Shelf::of(turn);
        let last = shelf.time("last").map_err(too_long)?;
        let before = kept::time_at(turn.profile(), &last);
        let over = before.is_none_or(|before| self.per.is_some_and(|per| turn.now() >= before.plus(per)));
        let mut intents = vec![kept::keep_time(last, turn.now())];
        let Some(value) = &self.value else { return Ok(over.then_some(intents)) };

        let value = turn.compute(&value.value).map_err(|error| format!("value: {error}"))?;
        let value = comparable(value).ok_or("value: it is null, which means that it is not known")?;
        let path = shelf.value().map_err(too_long)?;
        // What came before the last value, however late it is handled, is not kept over it: it would be first again and again.
        let is_another = kept::value_at(turn.profile(), &path)
            .is_none_or(|(since, known)| *known != value && turn.time() > since);
        intents.push(kept::keep_value(path, value));
        Ok((is_another || over).then_some(intents))
    }
}

/// The value as a register keeps it whole: lists and objects as their text, numbers in their one spelling.
fn comparable(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(_) | Value::Object(_) => Some(canonical_text(&value).into()),
        scalar => Some(canonical(scalar)),
    }
}

#[cfg(test)]
mod tests;
