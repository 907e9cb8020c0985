//! `count`: how many events there were.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_engine::{News, Node, Step, Turn};

use super::past::{self, Past};
use super::{NodeKind, done};
use crate::at::At;
use crate::change::OneOrMany;
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;

/// Remembers how many events of the profile's recent past there were.
#[derive(Debug)]
pub(crate) struct Count(Past);

/// How many events of these types there were, the one at hand included. It is remembered as a number.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Count")]
pub(crate) struct CountSpec {
    /// Their type, or several.
    events: At<OneOrMany<String>>,
    /// How far back, such as 1h or 30days, up to 366 days.
    within: At<String>,
    /// Which of them, in CEL: `event` is the one that is looked at.
    #[serde(default, rename = "where")]
    which: Option<At<String>>,
}

impl NodeKind for Count {
    const NAME: &'static str = "count";
    type Spec = CountSpec;

    fn read(spec: At<CountSpec>, reading: &mut Reading<'_>) -> Option<Count> {
        let CountSpec { events, within, which } = spec.value;
        Past::read(events, within, which, reading).map(Count)
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        self.0.survey(survey);
    }
}

impl Node for Count {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        self.0.ask(past::ALL, false, turn)
    }

    fn resume(&self, turn: &mut Turn<'_, '_>, news: News<'_>) -> Step {
        let chosen = past::answered(news).and_then(|events| self.0.chosen(events, turn));
        match chosen {
            Ok(chosen) => {
                if let Err(reason) = turn.remember(chosen.len().into()) {
                    return past::error(reason);
                }
                Step::Leave("done".into())
            }
            Err(step) => step,
        }
    }
}
