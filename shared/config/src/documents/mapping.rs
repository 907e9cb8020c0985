//! `Mapping`: what events of a type change in the profile or the session.

use serde::Deserialize;
use serde_saphyr::Spanned;
use tributary_model::Intent;

use super::{Document, Text};
use crate::change::{self, ChangeRule, ChangeSpec, Computing};
use crate::error::Problems;
use crate::event_view::EventView;
use crate::names::{Events, EventsSpec};
use crate::yaml;

/// What events of some types change.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Its name.
    pub name: String,
    /// The event types it is about.
    pub events: Events,
    /// What it changes.
    pub target: Target,
    /// The changes, in order.
    pub changes: Vec<ChangeRule>,
}

/// What a mapping changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The event's profile.
    #[default]
    Profile,
    /// The event's session; nothing happens when it has none.
    Session,
}

impl Mapping {
    /// What `event` changes by this mapping: nothing when its type is another, and no change for a value that
    /// the event does not have.
    #[must_use]
    pub fn intents(&self, event: &EventView<'_>) -> Vec<Intent> {
        if !self.events.matches(event.event_type) {
            return Vec::new();
        }
        // A mapping has no computed values, the only ones that can fail.
        self.changes.iter().filter_map(|rule| rule.intent(event, None).ok().flatten()).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    events: Spanned<EventsSpec>,
    #[serde(default)]
    target: Target,
    changes: Spanned<Vec<ChangeSpec>>,
}

pub(super) fn read(text: &Text<'_>, problems: &mut Problems) -> Option<Document> {
    let spec: Spec = yaml::spec(text.yaml, text.origin, problems)?;
    let events = match Events::from_spec(spec.events.value) {
        Ok(events) => events,
        Err(reason) => {
            problems.add(text.origin, spec.events.referenced.into(), reason);
            return None;
        }
    };
    if spec.changes.value.is_empty() {
        problems.add(text.origin, spec.changes.referenced.into(), "changes is empty");
    }
    let changes = change::rules(spec.changes.value, Computing::Refused, text.origin, problems);
    Some(Document::Mapping(Mapping { name: text.name.to_string(), events, target: spec.target, changes }))
}
