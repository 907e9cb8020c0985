//! `remove`: elements of sets of the profile.

use std::borrow::Cow;

use tributary_engine::{Node, Step, Turn};
use tributary_model::{IntentOp, Path};

use super::{NodeKind, Reading, Survey, done, edits, left};
use crate::at::At;
use crate::documents::workflow::operand::Operand;
use crate::survey::How;

/// Removes an element from a set; of a list, every element.
#[derive(Debug)]
pub(super) struct Remove(Vec<(At<Path>, At<Operand>)>);

impl NodeKind for Remove {
    const NAME: &'static str = "remove";
    type Spec = edits::Spec;

    fn read(spec: At<edits::Spec>, reading: &mut Reading<'_>) -> Option<Remove> {
        Some(Remove(edits::read(Self::NAME, spec, reading)))
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        for (path, operand) in &self.0 {
            survey.operand(path.value.as_str(), operand);
            survey.writes(path, How::Op(IntentOp::RemoveFromSet));
        }
    }
}

impl Node for Remove {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let (values, mut all) = edits::values(Self::NAME, &self.0, turn);
        for (path, value) in values {
            all &= edits::each(IntentOp::RemoveFromSet, path, value, turn);
        }
        left("done", all)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    #[test]
    fn an_element_or_each_of_a_list_is_removed() {
        let mut trial = Trial::of(
            "
- {name: add, append: {preferences.colours: {expr: event.properties.all}}, to: remove}
- {name: remove, remove: {preferences.colours: {expr: event.properties.some}}}
",
        )
        .with(json!({"all": ["red", "blue", "green"], "some": ["red", "green"]}));
        trial.event();
        assert_eq!(trial.shown(), json!({"preferences": {"colours": ["blue"]}}));
        trial.set(json!({"all": "red", "some": "blue"}));
        trial.event();
        assert_eq!(trial.shown(), json!({"preferences": {"colours": ["red"]}}));
    }

    #[test]
    fn only_sets_have_elements() {
        assert!(said_of("- {name: a, remove: {traits.x: 1}}").contains("traits.x"));
    }
}
