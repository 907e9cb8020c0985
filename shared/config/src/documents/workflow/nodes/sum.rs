//! `sum`: what a number of events comes to.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tributary_engine::{News, Node, PastEvent, Step, Turn};
use tributary_expressions::{EvaluationError, Expression};
use tributary_model::Amount;

use super::past::{self, Past};
use super::{NodeKind, done};
use crate::at::At;
use crate::change::OneOrMany;
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;

/// Remembers the sum over events of the profile's recent past.
#[derive(Debug)]
pub(crate) struct Sum {
    past: Past,
    of: At<Expression>,
}

/// The sum of a number over events of these types, the one at hand included. It is remembered as a number.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Sum")]
pub(crate) struct SumSpec {
    /// Their type, or several.
    events: At<OneOrMany<String>>,
    /// How far back, such as 1h or 30days, up to 366 days.
    within: At<String>,
    /// What is added for each, in CEL: `event` is the one that is looked at. One that does not have it adds nothing.
    of: At<String>,
    /// Which of them, in CEL.
    #[serde(default, rename = "where")]
    which: Option<At<String>>,
}

impl NodeKind for Sum {
    const NAME: &'static str = "sum";
    type Spec = SumSpec;

    fn read(spec: At<SumSpec>, reading: &mut Reading<'_>) -> Option<Sum> {
        let SumSpec { events, within, of, which } = spec.value;
        let past = Past::read(events, within, which, reading);
        let of = past::expression("of", of, reading)?;
        Some(Sum { past: past?, of })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        self.past.survey(survey);
        self.past.survey_of(&self.of, survey);
    }
}

impl Node for Sum {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        self.past.ask(past::ALL, past::looks_at_properties(self.of.value.reads()), turn)
    }

    fn resume(&self, turn: &mut Turn<'_, '_>, news: News<'_>) -> Step {
        let summed =
            past::answered(news).and_then(|events| self.past.chosen(events, turn)).and_then(|chosen| {
                self.sum(&chosen, turn).map_err(|reason| past::error(format!("of: {reason}")))
            });
        match summed {
            Ok(sum) => {
                if let Err(reason) = turn.remember(sum) {
                    return past::error(reason);
                }
                Step::Leave("done".into())
            }
            Err(step) => step,
        }
    }
}

impl Sum {
    /// In decimals, so that it is the same in any order.
    fn sum(&self, events: &[&PastEvent], turn: &mut Turn<'_, '_>) -> Result<Value, String> {
        let (mut sum, mut missing) = (Amount::ZERO, BTreeSet::new());
        for value in past::computed(&self.of.value, events, turn) {
            match value {
                Ok(value) => {
                    let amount = Amount::from_json(&value).map_err(|error| error.to_string())?;
                    sum = sum.checked_add(amount).ok_or("the sum is too big")?;
                }
                Err(EvaluationError::Missing { what }) => drop(missing.insert(what)),
                Err(EvaluationError::Failed { reason }) => return Err(reason),
            }
        }
        missing.into_iter().for_each(|what| turn.missing(what));
        Ok(sum.to_json())
    }
}
