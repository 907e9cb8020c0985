//! `append`: elements for sets and lists of the profile.

use std::borrow::Cow;

use tributary_engine::{Node, Step, Turn};
use tributary_model::{Intent, IntentOp, Path};

use super::{NodeKind, Reading, Survey, done, edits, left};
use crate::at::At;
use crate::change;
use crate::documents::workflow::operand::Operand;
use crate::survey::How;

/// Adds an element to a set, or an entry to a list, as the path's kind has it. Of a list, every element is added to a set.
#[derive(Debug)]
pub(super) struct Append(Vec<(At<Path>, At<Operand>)>);

impl NodeKind for Append {
    const NAME: &'static str = "append";
    type Spec = edits::Spec;

    fn read(spec: At<edits::Spec>, reading: &mut Reading<'_>) -> Option<Append> {
        Some(Append(edits::read(Self::NAME, spec, reading)))
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        for (path, operand) in &self.0 {
            survey.operand(path.value.as_str(), operand);
            survey.writes(path, How::Add);
        }
    }
}

impl Node for Append {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let (values, mut all) = edits::values(Self::NAME, &self.0, turn);
        for (path, value) in values {
            all &= match change::adding(path, turn.kinds()) {
                Ok(op @ IntentOp::AddToSet) => edits::each(op, path, value, turn),
                Ok(op) => turn.change(Intent { path: path.clone(), op, value: Some(value) }),
                Err(reason) => {
                    turn.refuse(reason);
                    false
                }
            };
        }
        left("done", all)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    #[test]
    fn sets_get_elements_and_lists_get_entries() {
        let nodes = "- {name: add, append: {preferences.colours: {expr: event.properties.colours}, lists.seen: {expr: event.properties.page}}}";
        let mut trial = Trial::of(nodes).with(json!({"colours": ["red", "blue"], "page": "/a"}));
        trial.event();
        let shown = trial.shown();
        assert_eq!(shown["preferences"]["colours"], json!(["red", "blue"]));
        assert!(shown["lists"]["seen"].to_string().contains("/a"), "{shown}");
    }

    #[test]
    fn nothing_else_is_added_to() {
        assert_eq!(
            said_of("- {name: a, append: {traits.x: 1}}"),
            "`traits.x` is a register, and only sets and lists are added to; declare its kind in a Fields document"
        );
    }
}
