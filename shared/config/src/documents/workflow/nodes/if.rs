//! `if`: two ways.

use std::borrow::Cow;

use tributary_engine::{Decision, Node, Step, Turn};
use tributary_expressions::Condition;

use super::NodeKind;
use crate::at::At;
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;

/// Decides by a condition. A path that is missing makes it false.
#[derive(Debug)]
pub(crate) struct If(At<Condition>);

impl NodeKind for If {
    const NAME: &'static str = "if";
    type Spec = String;

    fn read(spec: At<String>, reading: &mut Reading<'_>) -> Option<If> {
        reading.condition("if", spec).map(If)
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        vec!["yes".into(), "no".into()]
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.condition("if", &self.0);
        survey.leads("yes", [(&self.0.value, true)]);
        survey.leads("no", [(&self.0.value, false)]);
    }
}

impl Node for If {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        match turn.decide(&self.0.value) {
            Decision::Yes => Step::Leave("yes".into()),
            Decision::No => Step::Leave("no".into()),
            Decision::Undecided(reason) => Step::Error { reason, otherwise: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    const TWO: &str = "
- name: big
  if: event.properties.value > 10
  to: {yes: grand, no: small, error: odd}
- {name: grand, add_segment: grand}
- {name: small, add_segment: small}
- {name: odd, add_segment: odd}
";

    #[test]
    fn a_condition_decides_and_a_missing_path_makes_it_false() {
        for (properties, port) in
            [(json!({"value": 11}), "yes"), (json!({"value": 10}), "no"), (json!({}), "no")]
        {
            assert_eq!(super::super::trial::port(&Trial::of(TWO).with(properties).event(), "big"), port);
        }
        let ran = Trial::of(TWO).with(json!({})).event();
        assert_eq!(record(&ran, "big").missing, ["event.properties.value"]);
    }

    #[test]
    fn what_cannot_be_decided_is_left_by_error_and_ends_the_branch_where_that_leads_nowhere() {
        let ran = Trial::of(TWO).with(json!({"value": "many"})).event();
        assert_eq!(port(&ran, "big"), "error");
        assert_eq!(port(&ran, "odd"), "done");
        let ran = Trial::of(&TWO.replace(", error: odd", "").replace("- {name: odd, add_segment: odd}", ""))
            .with(json!({"value": "many"}))
            .event();
        assert_eq!(port(&ran, "big"), "");
        assert_eq!(ran.changes, []);
    }
}
