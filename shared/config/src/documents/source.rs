//! `Source`: who may send events, and what of theirs is believed.

use serde::Deserialize;
use serde_saphyr::Spanned;
use tributary_model::SourceName;

use super::{Document, Text};
use crate::error::Problems;
use crate::secrets::{SecretRef, SecretSpec};
use crate::yaml;

/// Where payloads come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name.
    pub name: SourceName,
    /// The keys that name it, at least one; several while a key is being replaced.
    pub write_keys: Vec<SecretRef>,
    /// Whether the profile ids it sends are taken as they are. Otherwise an id that the mesh did not make is
    /// replaced by one derived from it.
    pub trust_profile_ids: bool,
    /// Whether events without an id are accepted, with a warning that they are not idempotent.
    pub waive_ids: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    write_keys: Spanned<Vec<Spanned<SecretSpec>>>,
    #[serde(default)]
    trust_profile_ids: bool,
    #[serde(default)]
    waive_ids: bool,
}

pub(super) fn read(text: &Text<'_>, problems: &mut Problems) -> Option<Document> {
    let spec: Spec = yaml::spec(text.yaml, text.origin, problems)?;
    let place = spec.write_keys.referenced.into();
    if spec.write_keys.value.is_empty() {
        problems.add(text.origin, place, "a source needs at least one write key");
    }
    let mut write_keys = Vec::new();
    for key in spec.write_keys.value {
        match key.value.into_ref(text.dir) {
            Ok(reference) => write_keys.push(reference),
            Err(reason) => problems.add(text.origin, key.referenced.into(), reason),
        }
    }
    let name = SourceName::new(text.name).ok()?;
    Some(Document::Source(Source {
        name,
        write_keys,
        trust_profile_ids: spec.trust_profile_ids,
        waive_ids: spec.waive_ids,
    }))
}
