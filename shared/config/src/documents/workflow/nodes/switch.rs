//! `switch`: the first of several conditions that holds.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_engine::{Decision, Node, Step, Turn};
use tributary_expressions::Condition;

use super::{NodeKind, Reading, Survey};
use crate::at::At;
use crate::names;

/// The most cases of one switch.
const MAX_CASES: usize = 32;
/// The port when none holds.
const OTHERWISE: &str = "otherwise";

/// Leaves by the port of the first case that holds.
#[derive(Debug)]
pub(super) struct Switch(Vec<Case>);

#[derive(Debug)]
struct Case {
    port: String,
    when: At<Condition>,
}

/// A way out, and when it is taken.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Case")]
pub(super) struct CaseSpec {
    /// The port's name: lowercase letters, digits and single hyphens.
    port: At<String>,
    /// When it is taken, in CEL over event, profile, session, memory and now.
    when: At<String>,
}

impl NodeKind for Switch {
    const NAME: &'static str = "switch";
    type Spec = Vec<CaseSpec>;

    fn read(spec: At<Vec<CaseSpec>>, reading: &mut Reading<'_>) -> Option<Switch> {
        let many = spec.value.len();
        if !(1..=MAX_CASES).contains(&many) {
            reading.tell(spec.place, format!("switch: {many} cases; there must be 1 to {MAX_CASES}"));
        }
        let mut cases: Vec<Case> = Vec::with_capacity(many);
        let mut complete = true;
        for spec in spec.value {
            let port = port(spec.port, cases.iter().map(|case| case.port.as_str()), &[OTHERWISE], reading);
            let when = reading.condition("when", spec.when);
            match (port, when) {
                (Some(port), Some(when)) => cases.push(Case { port, when }),
                _ => complete = false,
            }
        }
        complete.then_some(Switch(cases))
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        let named = self.0.iter().map(|case| Cow::Owned(case.port.clone()));
        named.chain([Cow::Borrowed(OTHERWISE)]).collect()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        let before = survey.guards.len();
        let mut others = Vec::new();
        for case in &self.0 {
            survey.condition("when", &case.when);
            survey.leads(&case.port, others.iter().copied().chain([(&case.when.value, true)]));
            others.push((&case.when.value, false));
            survey.guards.push((&case.when.value, false));
        }
        survey.leads(OTHERWISE, others);
        survey.guards.truncate(before);
    }
}

impl Node for Switch {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        for case in &self.0 {
            match turn.decide(&case.when.value) {
                Decision::Yes => return Step::Leave(case.port.clone().into()),
                Decision::No => {}
                Decision::Undecided(reason) => {
                    let reason = format!("{}: {reason}", case.port);
                    return Step::Error { reason, otherwise: None };
                }
            }
        }
        Step::Leave(OTHERWISE.into())
    }
}

/// The name of a port that a document gives; what is wrong with it is told.
pub(super) fn port<'p>(
    port: At<String>,
    others: impl IntoIterator<Item = &'p str>,
    taken: &[&str],
    reading: &mut Reading<'_>,
) -> Option<String> {
    let name = port.value;
    let reason = match names::check_name("the port's name", &name) {
        Err(reason) => reason,
        Ok(()) if name == "error" || taken.contains(&name.as_str()) => {
            format!("the port {name} is there already, by itself")
        }
        Ok(()) if others.into_iter().any(|other| other == name) => format!("two ports are called {name}"),
        Ok(()) => return Some(name),
    };
    reading.tell(port.place, reason);
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    const THREE: &str = "
- name: level
  switch:
    - {port: gold, when: event.properties.points >= 100}
    - {port: silver, when: event.properties.points >= 10}
  to: {gold: gold, silver: silver, otherwise: none}
- {name: gold, add_segment: gold}
- {name: silver, add_segment: silver}
- {name: none, remove_segment: gold}
";

    #[test]
    fn the_first_case_that_holds_decides() {
        for (points, port) in [(100, "gold"), (99, "silver"), (9, "otherwise")] {
            let ran = Trial::of(THREE).with(json!({"points": points})).event();
            assert_eq!(super::super::trial::port(&ran, "level"), port);
        }
    }

    #[test]
    fn a_case_that_cannot_be_decided_ends_the_branch() {
        let ran = Trial::of(THREE).with(json!({"points": "many"})).event();
        assert_eq!((port(&ran, "level"), ran.records.len()), ("", 1));
    }

    #[test]
    fn ports_have_names_of_their_own() {
        let said = said_of(
            "- name: a\n  switch: [{port: x, when: 'true'}, {port: x, when: 'true'}, {port: error, when: 'true'}, {port: otherwise, when: 'true'}]",
        );
        assert_eq!(
            said,
            "two ports are called x\nthe port error is there already, by itself\n\
             the port otherwise is there already, by itself"
        );
        assert_eq!(said_of("- {name: a, switch: []}"), "switch: 0 cases; there must be 1 to 32");
    }
}
