//! What a node finds out: remembered, and written to a path of the profile where it says so.

use serde_json::Value;
use tributary_engine::Turn;
use tributary_expressions::{EvaluationError, Expression};
use tributary_model::{Intent, IntentOp, Path};

use super::Survey;
use crate::at::At;
use crate::change::Conversion;
use crate::survey::How;

/// The path that a result is written to, if any.
pub(super) type Into = Option<At<Path>>;

/// Tells the checks about the path.
pub(super) fn survey<'n>(into: &'n Into, survey: &mut Survey<'n>) {
    if let Some(path) = into {
        survey.writes(path, How::Op(IntentOp::Set));
    }
}

/// Remembers `found`, and writes `value` to the path if there is one. `false`, and recorded, where one of both is refused.
pub(super) fn keep(found: Value, value: Value, into: &Into, turn: &mut Turn<'_, '_>) -> bool {
    let remembered = turn.remember(found).map_err(|reason| turn.refuse(reason)).is_ok();
    let written = match into {
        Some(path) => turn.change(Intent { path: path.value.clone(), op: IntentOp::Set, value: Some(value) }),
        None => true,
    };
    remembered && written
}

/// Why there is no text.
pub(super) enum NoText {
    /// There is nothing there.
    Missing(String),
    /// It cannot be computed, or is no text.
    Failed(String),
}

/// The text that an expression gives: texts, numbers and booleans are taken.
pub(super) fn text(from: &Expression, turn: &mut Turn<'_, '_>) -> Result<String, NoText> {
    let value = turn.compute(from).map_err(|error| match error {
        EvaluationError::Missing { what } => NoText::Missing(format!("from: {what} is missing")),
        EvaluationError::Failed { reason } => NoText::Failed(format!("from: {reason}")),
    })?;
    match Conversion::Text.apply(&value) {
        Ok(Value::String(text)) => Ok(text),
        Ok(_) => Err(NoText::Failed("from: this is no text".into())),
        Err(_) if value.is_null() => Err(NoText::Missing("from: there is nothing".into())),
        Err(reason) => Err(NoText::Failed(format!("from: {reason}"))),
    }
}

impl NoText {
    pub(super) fn reason(self) -> String {
        match self {
            NoText::Missing(reason) | NoText::Failed(reason) => reason,
        }
    }
}
