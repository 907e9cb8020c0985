//! `for_each`: nodes that are run for every element of a list.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tributary_engine::{MAX_ITEMS, Node, Step, Turn};
use tributary_expressions::Expression;

use super::{NodeKind, NodeSpec, Reading, Survey, done};
use crate::at::At;
use crate::documents::workflow::graph;

/// Runs its body for each item, one after the other.
#[derive(Debug)]
pub(super) struct ForEach {
    items: At<Expression>,
}

/// Nodes that are run for every element of a list, one after the other. They see it as `item` below the node's `memory`, and
/// which one it is, from 1, as `index`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ForEach")]
pub(super) struct ForEachSpec {
    /// CEL for the list, of at most 64 elements.
    items: At<String>,
    /// What is done for each, from the first of these nodes on. They lead to each other and to no others.
    #[schemars(length(min = 1))]
    nodes: At<Vec<At<NodeSpec>>>,
}

impl NodeKind for ForEach {
    const NAME: &'static str = "for_each";
    type Spec = ForEachSpec;

    fn read(spec: At<ForEachSpec>, reading: &mut Reading<'_>) -> Option<ForEach> {
        let (place, spec) = (spec.place, spec.value);
        if reading.in_body {
            reading.tell(
                place,
                "a for_each cannot stand inside another one: let its body emit an event instead",
            );
            return None;
        }
        if spec.nodes.value.is_empty() {
            reading.tell(spec.nodes.place, "a for_each needs at least one node");
            return None;
        }
        let items = reading.expression("items", spec.items);
        let body = graph::read_all(spec.nodes.value, true, reading.origin, reading.problems);
        reading.body = body?;
        Some(ForEach { items: items? })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.expression("items", &self.items);
    }
}

impl Node for ForEach {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let error = |reason: String| Step::Error { reason, otherwise: None };
        match turn.compute(&self.items.value) {
            Ok(Value::Array(items)) if items.len() > MAX_ITEMS => {
                error(format!("items: {} elements; at most {MAX_ITEMS} are gone through", items.len()))
            }
            Ok(Value::Array(items)) => Step::Each(items),
            Ok(_) => error("items: this is no list".into()),
            Err(reason) => error(format!("items: {reason}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    const BODY: &str = "
- name: each
  for_each:
    items: event.properties.items
    nodes:
      - {name: dear, if: memory.each.item.price > 10, to: note}
      - name: note
        append: {lists.dear: {expr: 'string(memory.each.index) + memory.each.item.name'}}
  to: {done: after, error: odd}
- {name: after, add_segment: after}
- {name: odd, add_segment: odd}
";

    #[test]
    fn its_nodes_are_run_for_each_item_which_they_see() {
        let items =
            json!([{"name": "a", "price": 11}, {"name": "b", "price": 1}, {"name": "c", "price": 12}]);
        let mut trial = Trial::of(BODY).with(json!({"items": items}));
        trial.event();
        let entries = trial.shown()["lists"]["dear"].as_array().unwrap().clone();
        let shown = serde_json::to_string(&entries).unwrap();
        assert!(shown.contains("1a") && shown.contains("3c") && !shown.contains("2b"), "{shown}");
        assert_eq!(trial.shown()["segments"], json!({"after": true}));
    }

    #[test]
    fn what_is_no_list_or_too_long_is_left_by_error() {
        for items in [json!("many"), json!(vec![1; 65])] {
            let mut trial = Trial::of(BODY).with(json!({"items": items}));
            trial.event();
            assert_eq!(trial.shown()["segments"], json!({"odd": true}));
        }
    }

    #[test]
    fn none_stands_in_another_one() {
        assert_eq!(
            said_of(
                "- name: a\n  for_each:\n    items: event.properties.x\n    nodes: [{name: b, for_each: {items: event.properties.y, nodes: [{name: c, stop: {}}]}}]"
            ),
            "a for_each cannot stand inside another one: let its body emit an event instead"
        );
    }
}
