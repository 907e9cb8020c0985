//! `step`: changes and events, if a condition holds. What a workflow's `steps` are.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_engine::{Decision, Node, Turn};
use tributary_expressions::Condition;

use super::change::{self, MAX_CHANGES};
use super::{NodeKind, done, left};
use crate::at::At;
use crate::change::{ChangeRule, ChangeSpec};
use crate::documents::workflow::emit::{EmitRule, EmitSpec};
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;

/// The most events of one step: the workflows of one event can make no more of them together.
const MAX_EMITS: usize = 16;

/// What a step says of itself, or begins with, when `then` is taken because its `when` holds.
pub const WHEN_HOLDS: &str = "when holds";
/// What a step says of itself, or begins with, when `otherwise` is taken, if there is one.
pub const WHEN_DOES_NOT_HOLD: &str = "when does not hold";

/// Changes the profile and makes events when its condition holds, and changes something else when it does not.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) when: Option<At<Condition>>,
    pub(crate) then: Vec<ChangeRule>,
    pub(crate) otherwise: Vec<ChangeRule>,
    pub(crate) emit: Vec<EmitRule>,
}

/// Changes and events, if a condition holds.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    rename = "StepNode",
    extend("anyOf" = [{"required": ["then"]}, {"required": ["otherwise"]}, {"required": ["emit"]}])
)]
pub(crate) struct StepSpec {
    /// When it is taken, in CEL over event, profile, session, memory and now; always, without one.
    #[serde(default)]
    pub(crate) when: Option<At<String>>,
    /// What changes in the profile when it is taken.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub(crate) then: Vec<ChangeSpec>,
    /// What changes in the profile when it is not taken.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub(crate) otherwise: Vec<ChangeSpec>,
    /// The events that are made when it is taken.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub(crate) emit: Vec<EmitSpec>,
}

impl NodeKind for Step {
    const NAME: &'static str = "step";
    type Spec = StepSpec;

    fn read(spec: At<StepSpec>, reading: &mut Reading<'_>) -> Option<Step> {
        let (place, spec) = (spec.place, spec.value);
        if spec.then.is_empty() && spec.otherwise.is_empty() && spec.emit.is_empty() {
            reading.tell(place, "a step without then, otherwise and emit does nothing");
        }
        if spec.when.is_none() && !spec.otherwise.is_empty() {
            reading.tell(place, "otherwise needs a when: without one the step is always taken");
        }
        let lists = [("then", spec.then.len()), ("otherwise", spec.otherwise.len())];
        for (what, many) in lists.into_iter().filter(|(_, many)| *many > MAX_CHANGES) {
            reading.tell(place, format!("{what}: {many} changes; at most {MAX_CHANGES} can be made"));
        }
        if spec.emit.len() > MAX_EMITS {
            let reason = format!("emit: {} events; at most {MAX_EMITS} can be made", spec.emit.len());
            reading.tell(place, reason);
        }
        Some(Step {
            when: spec.when.and_then(|when| reading.condition("when", when)),
            then: reading.changes(spec.then),
            otherwise: reading.changes(spec.otherwise),
            emit: spec.emit.into_iter().filter_map(|spec| EmitRule::read(spec, reading)).collect(),
        })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        let before = survey.guards.len();
        if let Some(when) = &self.when {
            survey.condition("when", when);
            survey.guarded((&when.value, false), |survey| survey.rules(&self.otherwise));
            survey.guards.push((&when.value, true));
        }
        survey.rules(&self.then);
        self.emit.iter().for_each(|rule| rule.survey(survey));
        survey.guards.truncate(before);
    }
}

impl Node for Step {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    /// Decides, changes, then makes events, which see the profile with the step's changes.
    fn enter(&self, turn: &mut Turn<'_, '_>) -> tributary_engine::Step {
        let (taken, which) = match self.when.as_ref().map(|when| turn.decide(&when.value)) {
            None => (true, None),
            Some(Decision::Yes) => (true, Some(WHEN_HOLDS)),
            Some(Decision::No) => (false, Some(WHEN_DOES_NOT_HOLD)),
            Some(Decision::Undecided(reason)) => {
                // Neither branch: which one is right is exactly what is not known.
                turn.refuse(format!("when: {reason}"));
                return left("done", false);
            }
        };
        let mut all = change::make(if taken { &self.then } else { &self.otherwise }, turn);
        if taken {
            for rule in &self.emit {
                all &= rule.make(turn);
            }
        }
        let Some(which) = which else { return left("done", all) };
        turn.explain(which);
        match left("done", all) {
            // That is told in place of what was explained.
            tributary_engine::Step::Error { reason, otherwise } => {
                tributary_engine::Step::Error { reason: format!("{which}; {reason}"), otherwise }
            }
            step => step,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    const STEP: &str = "
- name: big
  step:
    when: event.properties.value > 10
    then: [{path: interests.big, op: increment, value: 1}]
    otherwise: [{path: interests.small, op: increment, value: 1}]
    emit: [{type: big-one, properties: {of: {expr: profile.interests.big}, gone: {expr: event.properties.gone}}}]
";

    #[test]
    fn a_step_that_is_taken_changes_and_makes_events_which_see_its_changes() {
        let mut trial = Trial::of(STEP).with(json!({"value": 11}));
        let ran = trial.event();
        assert_eq!(trial.shown(), json!({"interests": {"big": 1}}));
        assert_eq!(ran.emits.len(), 1);
        assert_eq!(ran.emits[0].event_type, "big-one");
        assert_eq!(json!(ran.emits[0].properties), json!({"of": 1}));
        assert_eq!(
            record(&ran, "big").refused,
            ["property gone of big-one: event.properties.gone is missing"]
        );
        let why = "when holds; not everything could be done";
        assert_eq!(record(&ran, "big").why.as_deref(), Some(why));
    }

    #[test]
    fn a_step_that_is_not_taken_changes_something_else() {
        for properties in [json!({"value": 1}), json!({})] {
            let mut trial = Trial::of(STEP).with(properties);
            let ran = trial.event();
            assert_eq!(ran.emits, []);
            assert_eq!(trial.shown(), json!({"interests": {"small": 1}}));
            assert_eq!(record(&ran, "big").why.as_deref(), Some(super::WHEN_DOES_NOT_HOLD));
        }
    }

    #[test]
    fn a_condition_that_fails_takes_neither_way_and_the_next_step_follows() {
        let mut trial = Trial::of(&format!("{STEP}  to: next\n- {{name: next, add_segment: next}}"));
        trial.set(json!({"value": "many"}));
        let ran = trial.event();
        assert_eq!(trial.shown(), json!({"segments": {"next": true}}));
        assert!(record(&ran, "big").refused[0].starts_with("when: "));
        assert_eq!(record(&ran, "big").why.as_deref(), Some("not everything could be done"));
    }
}
