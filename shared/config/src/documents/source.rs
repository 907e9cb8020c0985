//! `Source`: who may send events, and what of theirs is believed.

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_model::SourceName;

use super::{DocumentKind, Draft, Text};
use crate::at::At;
use crate::error::{Origin, Place, Problems};
use crate::secrets::{SecretRef, SecretSpec};

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
    /// What answers wait for where neither the payload nor the event says it.
    pub wait_for: WaitFor,
    /// Where each key is written.
    pub(crate) key_places: Vec<Place>,
}

/// How far an event has come when its call is answered. Each level includes those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitFor {
    /// Recorded, durably.
    #[default]
    Accepted,
    /// Its workflows have run, as far as they come without pausing.
    Workflow,
    /// It, and all that it changed, is in Postgres.
    Stored,
    /// Every destination has taken the profile with all of that, or was given up on.
    Delivered,
}

/// Who may send events, and what of theirs is believed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Source")]
pub(crate) struct SourceSpec {
    /// Where the keys are that name this source, at least one; several while a key is being replaced.
    #[schemars(length(min = 1))]
    write_keys: At<Vec<At<SecretSpec>>>,
    /// Whether the profile ids it sends are taken as they are: for sources that run on machines of your own.
    #[serde(default)]
    trust_profile_ids: bool,
    /// Whether events without an id are accepted. They are not idempotent: one that is sent twice counts twice.
    #[serde(default)]
    waive_ids: bool,
    /// What answers wait for, within the caller's deadline, where neither the payload nor the event says it.
    #[serde(default)]
    wait_for: WaitFor,
}

impl DocumentKind for Source {
    const NAME: &'static str = "Source";
    type Spec = SourceSpec;

    fn read(spec: SourceSpec, text: &Text<'_>, problems: &mut Problems) -> Option<Source> {
        let place = spec.write_keys.place;
        if spec.write_keys.value.is_empty() {
            problems.add(text.origin, place, "a source needs at least one write key");
        }
        let (mut write_keys, mut key_places) = (Vec::new(), Vec::new());
        for key in spec.write_keys.value {
            match key.value.into_ref() {
                Ok(reference) => {
                    write_keys.push(reference);
                    key_places.push(key.place);
                }
                Err(reason) => problems.add(text.origin, key.place, reason),
            }
        }
        let name = SourceName::new(text.name).ok()?;
        Some(Source {
            name,
            write_keys,
            trust_profile_ids: spec.trust_profile_ids,
            waive_ids: spec.waive_ids,
            wait_for: spec.wait_for,
            key_places,
        })
    }

    fn add_to(self, draft: &mut Draft, origin: Origin) {
        draft.sources.push((origin, self));
    }
}
