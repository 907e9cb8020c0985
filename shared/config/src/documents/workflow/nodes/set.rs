//! `set`: paths of the profile, each with an operand.

use std::borrow::Cow;

use tributary_engine::{Node, Step, Turn};
use tributary_model::IntentOp;

use super::{NodeKind, Reading, Survey, change, done, edits, left};
use crate::at::At;
use crate::change::ChangeRule;

/// Writes registers. All see the profile as it was before the node.
#[derive(Debug)]
pub(super) struct Set(Vec<ChangeRule>);

impl NodeKind for Set {
    const NAME: &'static str = "set";
    type Spec = edits::Spec;

    fn read(spec: At<edits::Spec>, reading: &mut Reading<'_>) -> Option<Set> {
        let edits = edits::read(Self::NAME, spec, reading);
        let rules = edits.into_iter().map(|(path, operand)| edits::rule(IntentOp::Set, path, operand));
        Some(Set(rules.collect()))
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.rules(&self.0);
    }
}

impl Node for Set {
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
    fn values_are_written_down_computed_and_filled_in() {
        let mut trial = Trial::of(
            "
- name: note
  set:
    traits.plan: basic
    traits.total: {expr: event.properties.price * 2}
    traits.greeting: {template: 'Hello {{ event.properties.name }}'}
    traits.gone: {expr: event.properties.gone}
",
        )
        .with(json!({"price": 2, "name": "Ada"}));
        let ran = trial.event();
        assert_eq!(trial.shown(), json!({"traits": {"plan": "basic", "total": 4, "greeting": "Hello Ada"}}));
        assert_eq!(record(&ran, "note").refused, ["set of traits.gone: event.properties.gone is missing"]);
        assert_eq!(port(&ran, "note"), "done");
    }

    #[test]
    fn what_no_profile_may_have_is_refused_and_leads_to_error() {
        let nodes = "
- {name: ask, http: {url: 'https://example.com/'}, to: note}
- {name: note, set: {traits.text: {expr: memory.ask.body.text}, traits.n: 1}, to: {error: told}}
- {name: told, respond: {told: true}}
";
        let mut trial = Trial::of(nodes).answering("ask", said(json!({"text": "a\0b"})));
        let ran = trial.event();
        assert_eq!((port(&ran, "note"), &ran.response["told"]), ("error", &json!(true)));
        assert_eq!(trial.shown(), json!({"traits": {"n": 1}}));
        let told = "`traits.text`: NUL_CHARACTER: texts and names cannot hold the character U+0000";
        assert_eq!(record(&ran, "note").refused, [told]);

        let mut trial = Trial::of(nodes).answering("ask", said(json!({"text": 12_345_678_901_234_567_u64})));
        let ran = trial.event();
        assert_eq!((port(&ran, "note"), trial.shown()), ("error", json!({"traits": {"n": 1}})));
        assert!(record(&ran, "note").refused[0].starts_with("`traits.text`: NUMBER_TOO_LARGE: "));
    }

    #[test]
    fn what_cannot_be_written_is_told() {
        assert_eq!(said_of("- {name: a, set: {}}"), "set: name one path at least");
        assert_eq!(
            said_of("- {name: a, set: {a..b: 1, b: null, workflows.times.x: 1}}"),
            "every part of a path needs a name\nb: null changes nothing; `delete` removes what is there\n\
             workflows.times.x cannot be written: below workflows nodes keep what they remember of profiles; choose \
             another path"
        );
    }
}
