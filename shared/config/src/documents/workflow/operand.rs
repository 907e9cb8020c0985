//! Operands: values that a workflow's nodes are given, written down or made of what the run sees.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tributary_engine::Turn;
use tributary_expressions::{EvaluationError, Expression, Template};

use super::reading::Reading;
use crate::at::At;

/// The names of what is made: `expr` and `template`.
pub(crate) const MADE: [&str; 2] = ["expr", "template"];

/// Where a value comes from.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    /// It is written in the document.
    Literal(Value),
    /// It is computed: `{expr: CEL}`.
    Computed(Expression),
    /// It is a text with holes, filled in: `{template: TEXT}`.
    Filled(Template),
}

impl Operand {
    /// What it is now.
    ///
    /// # Errors
    /// As the expression or the template says.
    pub(crate) fn value(&self, turn: &mut Turn<'_, '_>) -> Result<Value, EvaluationError> {
        match self {
            Operand::Literal(value) => Ok(value.clone()),
            Operand::Computed(expression) => turn.compute(expression),
            Operand::Filled(template) => turn.fill(template).map(Value::from),
        }
    }
}

/// Operands by name, such as the properties of an event that is made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Operands(pub(crate) BTreeMap<String, At<Operand>>);

impl Operands {
    /// Reads them; what is wrong with one is told and the one left out.
    pub(crate) fn read(specs: BTreeMap<String, At<Value>>, reading: &mut Reading<'_>) -> Operands {
        let read = |(name, value): (String, At<Value>)| {
            let operand = reading.operand(&name, value)?;
            Some((name, operand))
        };
        Operands(specs.into_iter().filter_map(read).collect())
    }

    /// Their values. One that cannot be had is left out and recorded; `false` says that one was. `of` is what they are the
    /// parts of.
    pub(crate) fn values(&self, of: &str, turn: &mut Turn<'_, '_>) -> (Map<String, Value>, bool) {
        self.values_as("", of, turn)
    }

    /// As [`values`](Operands::values), with something before each name, such as `property `.
    pub(super) fn values_as(
        &self,
        what: &str,
        of: &str,
        turn: &mut Turn<'_, '_>,
    ) -> (Map<String, Value>, bool) {
        let (mut values, mut all) = (Map::new(), true);
        for (name, operand) in &self.0 {
            match operand.value.value(turn) {
                Ok(value) => {
                    values.insert(name.clone(), value);
                }
                Err(error) => {
                    turn.refuse(format!("{what}{name} of {of}: {error}"));
                    all = false;
                }
            }
        }
        (values, all)
    }
}
