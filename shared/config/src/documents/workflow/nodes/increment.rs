//! `increment`: paths of the profile, each with an operand.

use std::borrow::Cow;

use tributary_engine::{Node, Step, Turn};
use tributary_model::IntentOp;

use super::{NodeKind, Reading, Survey, change, done, edits, left};
use crate::at::At;
use crate::change::ChangeRule;

/// Adds to counters. A negative amount is taken away. All see the profile as it was before the node.
#[derive(Debug)]
pub(super) struct Increment(Vec<ChangeRule>);

impl NodeKind for Increment {
    const NAME: &'static str = "increment";
    type Spec = edits::Spec;

    fn read(spec: At<edits::Spec>, reading: &mut Reading<'_>) -> Option<Increment> {
        let edits = edits::read(Self::NAME, spec, reading);
        let rules = edits.into_iter().map(|(path, operand)| edits::rule(IntentOp::Increment, path, operand));
        Some(Increment(rules.collect()))
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.rules(&self.0);
    }
}

impl Node for Increment {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        left("done", change::make(&self.0, turn))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    #[test]
    fn amounts_are_added_and_negative_ones_taken_away() {
        let fields = "---\nkind: Fields\nname: f\nspec: {fields: {points: counter}}\n";
        let nodes = "- {name: add, increment: {points: {expr: event.properties.points}, interests.shoes: 2}}";
        let mut trial = Trial::beside(fields, nodes).with(json!({"points": 5}));
        trial.event();
        trial.set(json!({"points": -2}));
        trial.event();
        assert_eq!(trial.shown(), json!({"points": 3, "interests": {"shoes": 4}}));
    }
}
