//! `change`: changes of the profile, as mappings have them.

use std::borrow::Cow;

use tributary_engine::{Node, Step, Turn};

use super::{NodeKind, done, left};
use crate::at::At;
use crate::change::{ChangeRule, ChangeSpec, Sight};
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;

/// The most changes of one node: the workflows of one event can make no more of them together.
pub(super) const MAX_CHANGES: usize = 64;

/// Changes the profile. Each change sees the profile as it was before the node.
#[derive(Debug)]
pub(crate) struct Change(Vec<ChangeRule>);

impl NodeKind for Change {
    const NAME: &'static str = "change";
    type Spec = Vec<ChangeSpec>;

    fn read(spec: At<Vec<ChangeSpec>>, reading: &mut Reading<'_>) -> Option<Change> {
        match spec.value.len() {
            0 => reading.tell(spec.place, "change: the list is empty"),
            1..=MAX_CHANGES => {}
            many => {
                let reason = format!("change: {many} changes; at most {MAX_CHANGES} can be made");
                reading.tell(spec.place, reason);
            }
        }
        Some(Change(reading.changes(spec.value)))
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.rules(&self.0);
    }
}

impl Node for Change {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        left("done", make(&self.0, turn))
    }
}

/// Makes changes: all see the profile as it was before the first. What cannot be made is left out and recorded; `false` says
/// that something was.
pub(super) fn make(rules: &[ChangeRule], turn: &mut Turn<'_, '_>) -> bool {
    let made: Vec<_> =
        rules.iter().map(|rule| (rule, rule.make(&Sight::with_scope(turn.event(), turn.scope())))).collect();
    let mut all = true;
    for (rule, made) in made {
        let missing = made.missing.iter().map(|what| format!("{what} is missing"));
        let left_out = made.failures.into_iter().map(|failure| failure.description).chain(missing);
        for told in left_out {
            turn.refuse(format!("{} of {}: {told}", rule.op, rule.path));
            all = false;
        }
        for intent in made.intents {
            all &= turn.change(intent);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    #[test]
    fn what_cannot_be_changed_is_recorded_alone() {
        let mut trial = Trial::of(
            "
- name: note
  change:
    - {path: traits.name, op: set, from: properties.name}
    - {path: traits.age, op: set, expr: event.properties.age + 1}
    - {path: interests.shoes, op: increment, from: properties.name}
",
        )
        .with(json!({"name": "Ada"}));
        let ran = trial.event();
        assert_eq!(trial.shown(), json!({"traits": {"name": "Ada"}}));
        assert_eq!(port(&ran, "note"), "done");
        let refused = &record(&ran, "note").refused;
        assert!(
            refused.iter().any(|told| told == "set of traits.age: event.properties.age is missing"),
            "{refused:?}"
        );
        assert_eq!(refused.len(), 2);
    }

    #[test]
    fn every_change_sees_the_profile_as_it_was_before() {
        let mut trial = Trial::of(
            "
- name: note
  change:
    - {path: traits.a, op: set, value: 1}
    - {path: traits.b, op: set, expr: 'has(profile.traits)'}
",
        );
        trial.event();
        assert_eq!(trial.shown(), json!({"traits": {"a": 1, "b": false}}));
    }
}
