//! `value_map`: values for values, by a table.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tributary_engine::{Node, Step, Turn};
use tributary_expressions::Expression;

use super::found::{self, Into, NoText};
use super::{NodeKind, Reading, Survey, left};
use crate::at::At;

/// The most lines of one table.
const MAX_VALUES: usize = 1000;

/// Looks a value up, and remembers what is there.
#[derive(Debug)]
pub(super) struct ValueMap {
    from: At<Expression>,
    values: BTreeMap<String, Value>,
    default: Option<Value>,
    into: Into,
}

/// A table of values. What is found in it is remembered.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ValueMap")]
pub(super) struct ValueMapSpec {
    /// CEL for what is looked up: a text, a number or a boolean, compared as text.
    from: At<String>,
    /// What stands for what, at most 1000.
    values: At<BTreeMap<String, Value>>,
    /// What stands for everything else. With a default, nothing is unmapped.
    #[serde(default)]
    default: Option<Value>,
    /// A path of the profile that it is written to.
    #[serde(default)]
    into: Option<At<String>>,
}

impl NodeKind for ValueMap {
    const NAME: &'static str = "value_map";
    type Spec = ValueMapSpec;

    fn read(spec: At<ValueMapSpec>, reading: &mut Reading<'_>) -> Option<ValueMap> {
        let spec = spec.value;
        let many = spec.values.value.len();
        if !(1..=MAX_VALUES).contains(&many) {
            reading.tell(spec.values.place, format!("values: {many} lines; there must be 1 to {MAX_VALUES}"));
        }
        let from = reading.expression("from", spec.from);
        let into = spec.into.and_then(|into| reading.path(into));
        Some(ValueMap { from: from?, values: spec.values.value, default: spec.default, into })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        vec!["mapped".into(), "unmapped".into()]
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.expression("from", &self.from);
        found::survey(&self.into, survey);
    }
}

impl Node for ValueMap {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let found = match found::text(&self.from.value, turn) {
            Ok(text) => self.values.get(&text),
            Err(NoText::Missing(why)) => {
                turn.explain(why);
                None
            }
            Err(NoText::Failed(reason)) => {
                turn.refuse(reason);
                return left("unmapped", false);
            }
        };
        match found.or(self.default.as_ref()) {
            Some(value) => left("mapped", found::keep(value.clone(), value.clone(), &self.into, turn)),
            None => Step::Leave("unmapped".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    const LAND: &str = "
- name: land
  value_map: {from: event.properties.land, values: {ch: Switzerland, 'true': yes, '1': one}, into: traits.land}
";

    #[test]
    fn what_stands_for_a_value_is_remembered_and_written() {
        for (value, found) in [(json!("ch"), "Switzerland"), (json!(true), "yes"), (json!(1), "one")] {
            let mut trial = Trial::of(LAND).with(json!({"land": value}));
            let ran = trial.event();
            assert_eq!((port(&ran, "land"), remembered(&ran, "land")), ("mapped", json!(found)));
            assert_eq!(trial.shown(), json!({"traits": {"land": found}}));
        }
    }

    #[test]
    fn without_a_default_the_rest_is_unmapped() {
        for properties in [json!({"land": "de"}), json!({}), json!({"land": {}})] {
            assert_eq!(port(&Trial::of(LAND).with(properties.clone()).event(), "land"), "unmapped");
        }
        let other = LAND.replace("into:", "default: elsewhere, into:");
        for properties in [json!({"land": "de"}), json!({})] {
            let ran = Trial::of(&other).with(properties).event();
            assert_eq!((port(&ran, "land"), remembered(&ran, "land")), ("mapped", json!("elsewhere")));
        }
    }
}
