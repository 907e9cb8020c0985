//! `regex_extract`: parts of a text, by a regular expression.

use std::borrow::Cow;

use regex::{Captures, Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use tributary_engine::{Node, Step, Turn};
use tributary_expressions::Expression;

use super::found::{self, Into, NoText};
use super::{NodeKind, Reading, Survey, left};
use crate::at::At;

/// The longest pattern, and the most that it may take compiled, in bytes.
const MAX_PATTERN_BYTES: usize = 1000;
const MAX_COMPILED_BYTES: usize = 1 << 17;
/// The most groups of one pattern.
const MAX_GROUPS: usize = 16;

/// Looks for a pattern in a text, and remembers what its groups matched.
#[derive(Debug)]
pub(super) struct RegexExtract {
    from: At<Expression>,
    pattern: Regex,
    into: Into,
}

/// Parts of a text. What the groups of the pattern match is remembered by their names, or numbers where they have none; `0` is
/// all that matched.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegexExtract")]
pub(super) struct RegexExtractSpec {
    /// CEL for the text.
    from: At<String>,
    /// A regular expression in the syntax of RE2, such as `^(?<user>[^@]+)@(?<host>.+)$`: it matches in linear time.
    pattern: At<String>,
    /// A path of the profile that the first group is written to; all that matched, where there are no groups.
    #[serde(default)]
    into: Option<At<String>>,
}

impl NodeKind for RegexExtract {
    const NAME: &'static str = "regex_extract";
    type Spec = RegexExtractSpec;

    fn read(spec: At<RegexExtractSpec>, reading: &mut Reading<'_>) -> Option<RegexExtract> {
        let spec = spec.value;
        let from = reading.expression("from", spec.from);
        let into = spec.into.and_then(|into| reading.path(into));
        let pattern = compiled(&spec.pattern.value);
        let pattern = pattern.map_err(|reason| reading.tell(spec.pattern.place, reason)).ok()?;
        Some(RegexExtract { from: from?, pattern, into })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        vec!["found".into(), "not_found".into()]
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.expression("from", &self.from);
        found::survey(&self.into, survey);
    }
}

impl Node for RegexExtract {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let text = match found::text(&self.from.value, turn) {
            Ok(text) => text,
            Err(NoText::Missing(why)) => {
                turn.explain(why);
                return Step::Leave("not_found".into());
            }
            Err(NoText::Failed(reason)) => {
                turn.refuse(reason);
                return left("not_found", false);
            }
        };
        match self.pattern.captures(&text) {
            Some(captures) => {
                let first = captures.iter().skip(1).flatten().next().or_else(|| captures.get(0));
                let first = Value::from(first.map_or("", |matched| matched.as_str()));
                left("found", found::keep(groups(&self.pattern, &captures), first, &self.into, turn))
            }
            None => Step::Leave("not_found".into()),
        }
    }
}

/// What the groups matched: by name, or number where they have none. Those that matched nothing are left out.
fn groups(pattern: &Regex, captures: &Captures<'_>) -> Value {
    let mut groups = Map::new();
    for (number, name) in pattern.capture_names().enumerate() {
        if let Some(matched) = captures.get(number) {
            groups.insert(name.map_or_else(|| number.to_string(), str::to_string), matched.as_str().into());
        }
    }
    Value::Object(groups)
}

fn compiled(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(format!("pattern: {} bytes; at most {MAX_PATTERN_BYTES} are allowed", pattern.len()));
    }
    let compiled = RegexBuilder::new(pattern).size_limit(MAX_COMPILED_BYTES).build();
    let compiled = compiled.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "pattern: it would become too large: repeat less".to_string(),
        // In several lines, with a drawing; the last one says what is wrong.
        error => {
            let told = error.to_string();
            let last = told.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("pattern: {last}; the syntax is that of RE2, without lookaround and backreferences")
        }
    })?;
    match compiled.captures_len() - 1 {
        groups if groups > MAX_GROUPS => Err(format!(
            "pattern: {groups} groups; at most {MAX_GROUPS} are allowed; (?:…) groups without keeping"
        )),
        _ => Ok(compiled),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    const HOST: &str = "
- name: host
  regex_extract: {from: event.properties.email, pattern: '^([^@]+)@(?<host>.+)$', into: traits.user}
";

    #[test]
    fn what_the_groups_match_is_remembered_and_the_first_written() {
        let mut trial = Trial::of(HOST).with(json!({"email": "ada@example.org"}));
        let ran = trial.event();
        assert_eq!(port(&ran, "host"), "found");
        let groups = json!({"0": "ada@example.org", "1": "ada", "host": "example.org"});
        assert_eq!(remembered(&ran, "host"), groups);
        assert_eq!(trial.shown(), json!({"traits": {"user": "ada"}}));
    }

    #[test]
    fn what_does_not_match_or_is_not_there_is_not_found() {
        for properties in [json!({"email": "ada"}), json!({}), json!({"email": ["a@b"]})] {
            assert_eq!(port(&Trial::of(HOST).with(properties).event(), "host"), "not_found");
        }
    }

    #[test]
    fn a_pattern_that_is_none_is_told() {
        let said = |pattern: &str| {
            said_of(&format!(
                "- {{name: a, regex_extract: {{from: event.properties.x, pattern: '{pattern}'}}}}"
            ))
        };
        assert_eq!(
            said("a("),
            "pattern: unclosed group; the syntax is that of RE2, without lookaround and backreferences"
        );
        assert!(said("(?=a)").contains("without lookaround"), "{}", said("(?=a)"));
        assert_eq!(said("((a{1000}){1000})"), "pattern: it would become too large: repeat less");
    }
}
