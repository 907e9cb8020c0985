//! `stop`: the end of the whole run.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_engine::{Node, Step, Turn};

use super::{NodeKind, Reading, Survey};
use crate::at::At;

/// Ends the run, all branches. What it did stays.
#[derive(Debug)]
pub(super) struct Stop {
    reason: Option<String>,
}

/// Where the run ends.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Stop")]
pub(super) struct StopSpec {
    /// Why, for the record of the run.
    #[serde(default)]
    reason: Option<String>,
}

impl NodeKind for Stop {
    const NAME: &'static str = "stop";
    const FAILS: bool = false;
    type Spec = StopSpec;

    fn read(spec: At<StopSpec>, _: &mut Reading<'_>) -> Option<Stop> {
        Some(Stop { reason: spec.value.reason })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        Vec::new()
    }

    fn survey<'n>(&'n self, _: &mut Survey<'n>) {}
}

impl Node for Stop {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        if let Some(reason) = &self.reason {
            turn.explain(reason.clone());
        }
        Step::Stop
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    #[test]
    fn the_whole_run_ends_and_what_it_did_stays() {
        let mut trial = Trial::of(
            "
- {name: first, add_segment: first, to: [end, second]}
- {name: end, stop: {reason: enough}}
- {name: second, add_segment: second}
",
        )
        .with(json!({}));
        let ran = trial.event();
        assert_eq!(trial.shown(), json!({"segments": {"first": true}}));
        assert_eq!(record(&ran, "end").why.as_deref(), Some("enough"));
    }

    #[test]
    fn nothing_comes_after_it() {
        assert_eq!(said_of("- {name: end, stop: {}, to: end}"), "stop is an end: nothing can come after it");
    }
}
