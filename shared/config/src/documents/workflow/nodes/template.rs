//! `template`: a text with holes, filled in.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_engine::{Node, Step, Turn};
use tributary_expressions::Template;

use super::found::{self, Into};
use super::{NodeKind, Reading, Survey, done, left};
use crate::at::At;

/// Fills a template in, and remembers the text.
#[derive(Debug)]
pub(super) struct Fill {
    text: At<Template>,
    into: Into,
}

/// A text with holes. What it becomes is remembered.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TemplateNode")]
pub(super) struct FillSpec {
    /// The text, such as `Hello {{ profile.traits.name | default("you") }}`.
    text: At<String>,
    /// A path of the profile that it is written to.
    #[serde(default)]
    into: Option<At<String>>,
}

impl NodeKind for Fill {
    const NAME: &'static str = "template";
    type Spec = FillSpec;

    fn read(spec: At<FillSpec>, reading: &mut Reading<'_>) -> Option<Fill> {
        let text = reading.template("text", spec.value.text);
        let into = spec.value.into.and_then(|into| reading.path(into));
        Some(Fill { text: text?, into })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.template("text", &self.text);
        found::survey(&self.into, survey);
    }
}

impl Node for Fill {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        match turn.fill(&self.text.value) {
            Ok(text) => left("done", found::keep(text.clone().into(), text.into(), &self.into, turn)),
            Err(error) => {
                turn.refuse(format!("text: {error}"));
                left("done", false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    const GREET: &str = "
- name: greet
  template: {text: 'Hello {{ event.properties.name }}', into: traits.greeting}
  to: {done: next, error: odd}
- {name: next, set: {traits.copy: {expr: memory.greet}}}
- {name: odd, add_segment: odd}
";

    #[test]
    fn the_text_is_remembered_and_written() {
        let mut trial = Trial::of(GREET).with(json!({"name": "Ada"}));
        let ran = trial.event();
        assert_eq!(remembered(&ran, "greet"), json!("Hello Ada"));
        assert_eq!(trial.shown(), json!({"traits": {"greeting": "Hello Ada", "copy": "Hello Ada"}}));
    }

    #[test]
    fn a_hole_that_cannot_be_filled_is_an_error() {
        let mut trial = Trial::of(GREET).with(json!({}));
        let ran = trial.event();
        assert_eq!(port(&ran, "greet"), "error");
        assert_eq!(record(&ran, "greet").refused, ["text: event.properties.name is missing"]);
        assert_eq!(trial.shown(), json!({"segments": {"odd": true}}));
    }
}
