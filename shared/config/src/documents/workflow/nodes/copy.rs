//! `copy`: paths of the profile, each with the path that its value is taken from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use tributary_engine::{Node, Step, Turn};
use tributary_model::IntentOp;

use super::{NodeKind, Reading, Survey, change, done, edits, left};
use crate::at::At;
use crate::change::ChangeRule;
use crate::documents::workflow::operand::Operand;

/// Writes registers with what is somewhere else. All see the profile as it was before the node.
#[derive(Debug)]
pub(super) struct Copy(Vec<ChangeRule>);

impl NodeKind for Copy {
    const NAME: &'static str = "copy";
    type Spec = BTreeMap<At<String>, At<String>>;

    fn read(spec: At<Self::Spec>, reading: &mut Reading<'_>) -> Option<Copy> {
        if spec.value.is_empty() {
            reading.tell(spec.place, "copy: name one path at least");
        }
        let mut rules = Vec::with_capacity(spec.value.len());
        for (path, from) in spec.value {
            let (place, name) = (from.place, path.value.clone());
            if !is_path(&from.value) {
                let reason =
                    "is no path like event.properties.city; to compute a value, `set` it with {expr: …}";
                reading.tell(place, format!("{name}: {:?} {reason}", from.value));
                continue;
            }
            if let (Some(path), Some(from)) = (reading.path(path), reading.expression(&name, from)) {
                let operand = At { value: Operand::Computed(from.value), place };
                rules.push(edits::rule(IntentOp::Set, path, operand));
            }
        }
        Some(Copy(rules))
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.rules(&self.0);
    }
}

impl Node for Copy {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        left("done", change::make(&self.0, turn))
    }
}

/// Whether `text` is a path and nothing more: names after dots or in brackets.
fn is_path(text: &str) -> bool {
    static PATH: LazyLock<Regex> = LazyLock::new(|| {
        let path = r#"^\s*[A-Za-z_]\w*(\.[A-Za-z_]\w*|\['[^'\\]*'\]|\["[^"\\]*"\])*\s*$"#;
        Regex::new(path).expect("a constant pattern is valid")
    });
    PATH.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_what_is_computed() {
        for path in
            ["event.properties.city", "memory['wait-for'].properties.x", "event.context[\"a b\"]", " now "]
        {
            assert!(is_path(path), "{path}");
        }
        for computed in
            ["event.properties.a + 1", "size(event.properties)", "event.list[0]", "'text'", "a ? b : c"]
        {
            assert!(!is_path(computed), "{computed}");
        }
    }

    #[test]
    fn what_is_somewhere_else_is_written() {
        use serde_json::json;

        use super::super::trial::*;
        let mut trial = Trial::of(
            "- {name: a, copy: {traits.city: event.properties.city, traits.zip: event.properties.zip}}",
        );
        trial.set(json!({"city": "Basel"}));
        let ran = trial.event();
        assert_eq!(trial.shown(), json!({"traits": {"city": "Basel"}}));
        assert_eq!(record(&ran, "a").refused, ["set of traits.zip: event.properties.zip is missing"]);
        assert_eq!(
            said_of("- {name: a, copy: {traits.city: event.properties.city + 'x'}}"),
            "traits.city: \"event.properties.city + 'x'\" is no path like event.properties.city; to compute a value, \
             `set` it with {expr: …}"
        );
    }
}
