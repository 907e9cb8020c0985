//! `throttle`: lets at most so many runs of a profile pass in any stretch of time.
//!
//! Passes are counted, and the one with the number n leaves its time in slot n mod `limit`, over the one that passed `limit`
//! passes before it. So the slot of the next pass says when the stretch that it would be one too many for is over.

use std::borrow::Cow;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_engine::{MAX_PAUSE, Node, Step, Turn};
use tributary_model::{Intent, PathError, State, Time};

use super::NodeKind;
use super::kept::{self, Shelf};
use super::moments::SHORTEST;
use crate::at::At;
use crate::documents::workflow::reading::{Reading, told};
use crate::survey::Survey;

/// The most passes that are remembered, and so the highest limit.
const MAX_LIMIT: u64 = 64;

/// Lets runs pass, or blocks them.
#[derive(Debug)]
pub(crate) struct Throttle {
    limit: u64,
    per: Duration,
}

/// How many runs of a profile may pass in any stretch of time, wherever it begins.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Throttle")]
pub(crate) struct ThrottleSpec {
    /// How many, 1 to 64.
    #[schemars(range(min = 1, max = 64))]
    limit: At<u64>,
    /// The length of the stretch, such as 1h or 7days, up to 366 days.
    per: At<String>,
}

impl NodeKind for Throttle {
    const NAME: &'static str = "throttle";
    type Spec = ThrottleSpec;

    fn read(spec: At<ThrottleSpec>, reading: &mut Reading<'_>) -> Option<Throttle> {
        let limit = spec.value.limit;
        let per = reading.duration("per", spec.value.per, SHORTEST..=MAX_PAUSE);
        if !(1..=MAX_LIMIT).contains(&limit.value) {
            reading.tell(limit.place, format!("limit must be between 1 and {MAX_LIMIT}"));
            return None;
        }
        Some(Throttle { limit: limit.value, per: per? })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        vec!["pass".into(), "block".into()]
    }

    fn survey<'n>(&'n self, _: &mut Survey<'n>) {}
}

impl Node for Throttle {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let error = |reason: String| Step::Error { reason, otherwise: None };
        match self.pass(turn.profile(), &Shelf::of(turn), turn.now()) {
            Ok(Some(intents)) => {
                // What is not remembered must not pass: it would pass again and again.
                if intents.into_iter().all(|intent| turn.change(intent)) {
                    Step::Leave("pass".into())
                } else {
                    error("the pass cannot be remembered in the profile".into())
                }
            }
            Ok(None) => {
                turn.explain(format!("{} passed within the last {}", self.limit, told(self.per)));
                Step::Leave("block".into())
            }
            Err(reason) => error(format!("the name of the workflow or the node is too long: {reason}")),
        }
    }
}

impl Throttle {
    /// What one more pass changes; `None` when there were enough.
    fn pass(&self, profile: &State, shelf: &Shelf, now: Time) -> Result<Option<[Intent; 2]>, PathError> {
        let passes = shelf.passes()?;
        let slot = shelf.time(&(kept::count_at(profile, &passes) % self.limit).to_string())?;
        let enough = kept::time_at(profile, &slot).is_some_and(|before| now < before.plus(self.per));
        Ok((!enough).then(|| [kept::keep_time(slot, now), kept::count_one(passes)]))
    }
}

#[cfg(test)]
mod tests;
