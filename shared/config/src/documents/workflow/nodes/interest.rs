//! Interests: `add_interest`, `remove_interest` and `has_interest`.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tributary_engine::{Node, Step, Turn};
use tributary_model::{Cell, Intent, IntentOp, Kind, Path};

use super::{NodeKind, Reading, Survey, change, done, edits, flags, left};
use crate::at::At;
use crate::change::ChangeRule;
use crate::documents::workflow::operand::Operand;
use crate::survey::How;

const INTERESTS: &str = "interests";

/// Raises an interest.
#[derive(Debug)]
pub(super) struct AddInterest(ChangeRule);

/// An interest that is raised.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AddInterest")]
pub(super) struct AddInterestSpec {
    /// Its name, such as `shoes` for `interests.shoes`.
    name: At<String>,
    /// By how much: a number, or `{expr: CEL}`; 1 when left out.
    #[serde(default)]
    by: Option<At<Value>>,
}

/// Sets an interest back to zero.
#[derive(Debug)]
pub(super) struct RemoveInterest(At<Path>);

/// Asks whether the profile has an interest.
#[derive(Debug)]
pub(super) struct HasInterest {
    path: At<Path>,
    /// Without one: anything above zero.
    at_least: Option<f64>,
}

/// An interest that is asked for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "HasInterest")]
pub(super) struct HasInterestSpec {
    /// Its name, such as `shoes` for `interests.shoes`.
    name: At<String>,
    /// How high it must be; anything above zero will do, when left out.
    #[serde(default)]
    at_least: Option<f64>,
}

impl NodeKind for AddInterest {
    const NAME: &'static str = "add_interest";
    type Spec = AddInterestSpec;

    fn read(spec: At<AddInterestSpec>, reading: &mut Reading<'_>) -> Option<AddInterest> {
        let path = flags::path(INTERESTS, Self::NAME, spec.value.name, reading);
        let by = match spec.value.by {
            Some(by) => reading.operand("by", by),
            None => Some(At { value: Operand::Literal(json!(1)), place: spec.place }),
        };
        Some(AddInterest(edits::rule(IntentOp::Increment, path?, by?)))
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.rules(std::slice::from_ref(&self.0));
    }
}

impl Node for AddInterest {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        left("done", change::make(std::slice::from_ref(&self.0), turn))
    }
}

impl NodeKind for RemoveInterest {
    const NAME: &'static str = "remove_interest";
    type Spec = String;

    fn read(spec: At<String>, reading: &mut Reading<'_>) -> Option<RemoveInterest> {
        flags::path(INTERESTS, Self::NAME, spec, reading).map(RemoveInterest)
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.writes(&self.0, How::Op(IntentOp::Reset));
    }
}

impl Node for RemoveInterest {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let intent = Intent { path: self.0.value.clone(), op: IntentOp::Reset, value: None };
        left("done", turn.change(intent))
    }
}

impl NodeKind for HasInterest {
    const NAME: &'static str = "has_interest";
    type Spec = HasInterestSpec;

    fn read(spec: At<HasInterestSpec>, reading: &mut Reading<'_>) -> Option<HasInterest> {
        let path = flags::path(INTERESTS, Self::NAME, spec.value.name, reading)?;
        Some(HasInterest { path, at_least: spec.value.at_least })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        vec!["yes".into(), "no".into()]
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.reads(&self.path);
    }
}

impl Node for HasInterest {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let path = &self.path.value;
        let level = match turn.profile().get(path, Kind::Counter) {
            Some(Cell::Counter(counter)) => counter.total().to_json(),
            _ => json!(0),
        };
        let height = level.as_f64().unwrap_or(0.0);
        turn.saw(format!("profile.{path}"), level);
        let has = self.at_least.map_or(height > 0.0, |least| height >= least);
        Step::Leave(if has { "yes" } else { "no" }.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    #[test]
    fn an_interest_grows_is_asked_and_goes() {
        let mut trial = Trial::of(
            "
- {name: much, has_interest: {name: shoes, at_least: 3}, to: {yes: less, no: more}}
- {name: more, add_interest: {name: shoes, by: {expr: event.properties.by}}}
- {name: less, remove_interest: shoes, to: any}
- {name: any, has_interest: {name: shoes}}
",
        )
        .with(json!({"by": 2}));
        assert_eq!(port(&trial.event(), "much"), "no");
        assert_eq!(port(&trial.event(), "much"), "no");
        assert_eq!(trial.shown()["interests"], json!({"shoes": 4}));
        let ran = trial.event();
        assert_eq!((port(&ran, "much"), port(&ran, "any")), ("yes", "no"));
    }

    #[test]
    fn it_grows_by_one_unless_it_is_said() {
        let mut trial = Trial::of("- {name: a, add_interest: {name: shoes}}");
        trial.event();
        assert_eq!(trial.shown(), json!({"interests": {"shoes": 1}}));
    }
}
