//! `pause`: waits for a while, or until a moment.

use std::borrow::Cow;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_engine::{MAX_PAUSE, News, Node, Step, Turn, Wait};
use tributary_expressions::Expression;

use super::NodeKind;
use super::moments::{self, SHORTEST};
use crate::at::At;
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;

/// Waits, then goes on by `done`.
#[derive(Debug)]
pub(crate) enum Pause {
    For(Duration),
    Until(At<Expression>),
}

/// How long the run waits: a duration such as 30m or 3days, up to 366 days, or until a moment.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a duration such as 30m, or {until: CEL}")]
#[schemars(rename = "Pause")]
pub(crate) enum PauseSpec {
    For(String),
    Until(UntilSpec),
}

/// Until a moment.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Until")]
pub(crate) struct UntilSpec {
    /// CEL that gives a time; one that has passed is not waited for.
    until: String,
}

impl NodeKind for Pause {
    const NAME: &'static str = "pause";
    type Spec = PauseSpec;

    fn read(spec: At<PauseSpec>, reading: &mut Reading<'_>) -> Option<Pause> {
        let place = spec.place;
        match spec.value {
            PauseSpec::For(value) => {
                reading.duration("pause", At { value, place }, SHORTEST..=MAX_PAUSE).map(Pause::For)
            }
            PauseSpec::Until(UntilSpec { until: value }) => {
                reading.expression("until", At { value, place }).map(Pause::Until)
            }
        }
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        vec!["done".into()]
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        if let Pause::Until(until) = self {
            survey.expression("until", until);
        }
    }
}

impl Node for Pause {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let until = match self {
            Pause::For(duration) => turn.now().plus(*duration),
            Pause::Until(until) => match moments::computed("until", until, turn) {
                Ok(until) => until,
                Err(reason) => return Step::Error { reason, otherwise: None },
            },
        };
        if until <= turn.now() {
            turn.explain("until has passed");
            return Step::Leave("done".into());
        }
        if until > turn.now().plus(MAX_PAUSE) {
            let reason = "until is more than 366 days ahead, which is the longest pause".into();
            return Step::Error { reason, otherwise: None };
        }
        Step::Wait(Wait { until: Some(until), events: Vec::new() })
    }

    fn resume(&self, _: &mut Turn<'_, '_>, news: News<'_>) -> Step {
        match news {
            News::Due => Step::Leave("done".into()),
            _ => moments::not_waited_for(),
        }
    }
}

#[cfg(test)]
mod tests;
