//! `last`: the newest event of some types.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_engine::{News, Node, Step, Turn};

use super::NodeKind;
use super::past::{self, Past};
use crate::at::At;
use crate::change::OneOrMany;
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;

/// Remembers the newest event of the profile's recent past.
#[derive(Debug)]
pub(crate) struct Last(Past);

/// The newest event of these types, which may be the one at hand. It is remembered with id, type, time and properties.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Last")]
pub(crate) struct LastSpec {
    /// Their type, or several.
    events: At<OneOrMany<String>>,
    /// How far back, such as 1h or 30days, up to 366 days.
    within: At<String>,
    /// Which of them, in CEL: `event` is the one that is looked at.
    #[serde(default, rename = "where")]
    which: Option<At<String>>,
}

impl NodeKind for Last {
    const NAME: &'static str = "last";
    type Spec = LastSpec;

    fn read(spec: At<LastSpec>, reading: &mut Reading<'_>) -> Option<Last> {
        let LastSpec { events, within, which } = spec.value;
        Past::read(events, within, which, reading).map(Last)
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        vec!["found".into(), "not_found".into()]
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        self.0.survey(survey);
    }
}

impl Node for Last {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        self.0.ask(if self.0.chooses() { past::ALL } else { 1 }, true, turn)
    }

    fn resume(&self, turn: &mut Turn<'_, '_>, news: News<'_>) -> Step {
        let chosen = past::answered(news).and_then(|events| self.0.chosen(events, turn));
        match chosen.map(|chosen| chosen.last().map(|event| past::document(event))) {
            Ok(Some(event)) => match turn.remember(event) {
                Ok(()) => Step::Leave("found".into()),
                Err(reason) => past::error(reason),
            },
            Ok(None) => Step::Leave("not_found".into()),
            Err(step) => step,
        }
    }
}
