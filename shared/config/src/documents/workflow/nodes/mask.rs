//! `mask`: a text of which only the ends can be read.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_engine::{Node, Step, Turn};
use tributary_expressions::Expression;

use super::found::{self, Into};
use super::{NodeKind, Reading, Survey, done, left};
use crate::at::At;

/// Masks a text, and remembers what is left of it.
#[derive(Debug)]
pub(super) struct Mask {
    from: At<Expression>,
    keep_start: usize,
    keep_end: usize,
    with: String,
    into: Into,
}

/// A text with most of its characters replaced. It is remembered.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Mask")]
pub(super) struct MaskSpec {
    /// CEL for the text.
    from: At<String>,
    /// How many characters at its start stay; none, when left out.
    #[serde(default)]
    keep_start: usize,
    /// How many characters at its end stay; none, when left out.
    #[serde(default)]
    keep_end: usize,
    /// What each other character is replaced by, one character; `*` when left out.
    #[serde(default)]
    with: Option<At<String>>,
    /// A path of the profile that it is written to.
    #[serde(default)]
    into: Option<At<String>>,
}

impl NodeKind for Mask {
    const NAME: &'static str = "mask";
    type Spec = MaskSpec;

    fn read(spec: At<MaskSpec>, reading: &mut Reading<'_>) -> Option<Mask> {
        let spec = spec.value;
        let from = reading.expression("from", spec.from);
        let into = spec.into.and_then(|into| reading.path(into));
        let with = match spec.with {
            None => "*".to_string(),
            Some(with) if with.value.chars().count() == 1 => with.value,
            Some(with) => {
                reading.tell(with.place, "with: this must be one character");
                return None;
            }
        };
        Some(Mask { from: from?, keep_start: spec.keep_start, keep_end: spec.keep_end, with, into })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.expression("from", &self.from);
        found::survey(&self.into, survey);
    }
}

impl Node for Mask {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        match found::text(&self.from.value, turn) {
            Ok(text) => {
                let masked = masked(&text, self.keep_start, self.keep_end, &self.with);
                left("done", found::keep(masked.clone().into(), masked.into(), &self.into, turn))
            }
            Err(none) => {
                turn.refuse(none.reason());
                left("done", false)
            }
        }
    }
}

/// The text with all but its ends replaced. One that is no longer than the ends is replaced as a whole: nothing would be
/// masked otherwise.
fn masked(text: &str, start: usize, end: usize, with: &str) -> String {
    let many = text.chars().count();
    let (start, end) = if start.saturating_add(end) < many { (start, end) } else { (0, 0) };
    let stays = |at: usize| at < start || at >= many - end;
    let mut masked = String::with_capacity(text.len());
    for (at, character) in text.chars().enumerate() {
        match stays(at) {
            true => masked.push(character),
            false => masked.push_str(with),
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn only_the_ends_stay() {
        assert_eq!(masked("4111111111111234", 0, 4, "*"), "************1234");
        assert_eq!(masked("jürgen", 2, 1, "·"), "jü···n");
        assert_eq!(masked("anna", 0, 0, "*"), "****");
        assert_eq!(masked("", 1, 1, "*"), "");
    }

    #[test]
    fn a_text_that_would_stay_as_it_is_is_masked_as_a_whole() {
        assert_eq!(masked("1234", 0, 4, "*"), "****");
        assert_eq!(masked("1234", 3, usize::MAX, "*"), "****");
    }

    #[test]
    fn what_is_left_is_remembered_and_written() {
        use serde_json::json;

        use super::super::trial::*;
        let nodes =
            "- {name: card, mask: {from: event.properties.card, keep_end: 4, with: x, into: traits.card}}";
        let mut trial = Trial::of(nodes).with(json!({"card": "4111111111111234"}));
        assert_eq!(remembered(&trial.event(), "card"), json!("xxxxxxxxxxxx1234"));
        assert_eq!(trial.shown(), json!({"traits": {"card": "xxxxxxxxxxxx1234"}}));
        assert_eq!(said_of(&nodes.replace("with: x", "with: xy")), "with: this must be one character");
    }
}
