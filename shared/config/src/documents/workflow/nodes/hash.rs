//! `hash`: a text that can be recognised and not read.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256, Sha512};
use tributary_engine::{Node, Step, Turn};
use tributary_expressions::Expression;

use super::found::{self, Into};
use super::{NodeKind, Reading, Survey, done, left};
use crate::at::At;

/// Hashes a text, and remembers the hash.
#[derive(Debug)]
pub(super) struct Hash {
    from: At<Expression>,
    algorithm: Algorithm,
    into: Into,
}

/// A hash of a text, in lowercase hexadecimal digits. It is remembered.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Hash")]
pub(super) struct HashSpec {
    /// CEL for the text, such as `event.properties.email`. Receivers mostly want it trimmed and in lowercase.
    from: At<String>,
    /// How it is hashed.
    algorithm: Algorithm,
    /// A path of the profile that the hash is written to.
    #[serde(default)]
    into: Option<At<String>>,
}

/// How a text is hashed.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl NodeKind for Hash {
    const NAME: &'static str = "hash";
    type Spec = HashSpec;

    fn read(spec: At<HashSpec>, reading: &mut Reading<'_>) -> Option<Hash> {
        let from = reading.expression("from", spec.value.from);
        let into = spec.value.into.and_then(|into| reading.path(into));
        Some(Hash { from: from?, algorithm: spec.value.algorithm, into })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.expression("from", &self.from);
        found::survey(&self.into, survey);
    }
}

impl Node for Hash {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        match found::text(&self.from.value, turn) {
            Ok(text) => {
                let hash = self.algorithm.of(&text);
                left("done", found::keep(hash.clone().into(), hash.into(), &self.into, turn))
            }
            Err(none) => {
                turn.refuse(none.reason());
                left("done", false)
            }
        }
    }
}

impl Algorithm {
    fn of(self, text: &str) -> String {
        let digest = match self {
            Algorithm::Sha256 => Sha256::digest(text).to_vec(),
            Algorithm::Sha512 => Sha512::digest(text).to_vec(),
        };
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_ones_that_everyone_knows() {
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Algorithm::Sha256.of("abc"), of_abc);
        assert!(Algorithm::Sha512.of("abc").starts_with("ddaf35a193617abacc417349ae204131"));
    }

    #[test]
    fn the_hash_is_remembered_and_written_and_nothing_else_is_hashed() {
        use serde_json::json;

        use super::super::trial::*;
        let nodes =
            "- {name: id, hash: {from: event.properties.email, algorithm: sha256, into: traits.email}}";
        let mut trial = Trial::of(nodes).with(json!({"email": "abc"}));
        let hash = Algorithm::Sha256.of("abc");
        assert_eq!(remembered(&trial.event(), "id"), json!(hash));
        assert_eq!(trial.shown(), json!({"traits": {"email": hash}}));
        for properties in [json!({}), json!({"email": ["abc"]})] {
            let ran = Trial::of(nodes).with(properties).event();
            assert_eq!((port(&ran, "id"), ran.changes.len()), ("done", 0));
            assert_eq!(record(&ran, "id").refused.len(), 1);
        }
    }
}
