//! `Mapping`: what events of a type change in the profile or the session.

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_expressions::{Condition, Variables};

use super::{DocumentKind, Draft, Text};
use crate::at::At;
use crate::change::{self, ChangeRule, ChangeSpec, Made, Sight};
use crate::error::{Origin, Place, Problems};
use crate::event_view::EventView;
use crate::names::{Events, EventsSpec};
use crate::sources::Sources;

/// The most changes of one mapping.
const MAX_CHANGES: usize = 128;

/// What events of some types change.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Its name.
    pub name: String,
    /// The event types it is about.
    pub events: Events,
    /// The sources it is about.
    pub sources: Sources,
    /// What it changes.
    pub target: Target,
    /// When it changes anything; always, without one. Sees the event only.
    pub when: Option<Condition>,
    /// The changes, in order.
    pub changes: Vec<ChangeRule>,
    pub(crate) when_place: Place,
}

/// What a mapping changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The event's profile.
    #[default]
    Profile,
    /// The event's session; nothing happens when it has none.
    Session,
}

impl Mapping {
    /// Whether it is about `event`: its type and its source.
    #[must_use]
    pub fn means(&self, event: &EventView<'_>) -> bool {
        self.events.matches(event.event_type) && self.sources.matches(event.source)
    }

    /// What it makes of what `sight` shows; nothing of an event that it is not about.
    #[must_use]
    pub fn make(&self, sight: &Sight<'_>) -> Made {
        let mut made = Made::default();
        if !self.means(sight.event()) {
            return made;
        }
        match change::holds(self.when.as_ref(), sight) {
            Ok(true) => {}
            Ok(false) => return made,
            Err(failure) => {
                made.failures.push(failure);
                return made;
            }
        }
        for rule in &self.changes {
            let one = rule.make(sight);
            made.intents.extend(one.intents);
            made.failures.extend(one.failures);
            made.missing.extend(one.missing);
        }
        made
    }
}

/// What events of some types change in the profile or the session, decided by the event alone.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Mapping")]
pub(crate) struct MappingSpec {
    /// The event types it is about, or "*" for all.
    events: At<EventsSpec>,
    /// The sources it is about; all when left out.
    #[serde(default)]
    #[schemars(length(min = 1))]
    sources: Option<At<Vec<At<String>>>>,
    /// What it changes: the profile, or the event's session.
    #[serde(default)]
    target: Target,
    /// CEL over `event`; the mapping does nothing when it does not hold.
    #[serde(default)]
    when: Option<At<String>>,
    /// The changes, 1 to 128, in order.
    #[schemars(length(min = 1, max = 128))]
    changes: At<Vec<ChangeSpec>>,
}

impl DocumentKind for Mapping {
    const NAME: &'static str = "Mapping";
    type Spec = MappingSpec;

    fn read(spec: MappingSpec, text: &Text<'_>, problems: &mut Problems) -> Option<Mapping> {
        let events = match Events::from_spec(spec.events.value) {
            Ok(events) => events,
            Err(reason) => {
                problems.add(text.origin, spec.events.place, reason);
                return None;
            }
        };
        let sources = Sources::from_spec(spec.sources, text.origin, problems);
        let when_place = spec.when.as_ref().map_or_else(Place::default, |when| when.place);
        let when = change::condition("when", spec.when, Variables::Event, text.origin, problems);
        match spec.changes.value.len() {
            0 => problems.add(text.origin, spec.changes.place, "changes is empty"),
            1..=MAX_CHANGES => {}
            many => {
                let reason = format!("{many} changes; at most {MAX_CHANGES} are allowed");
                problems.add(text.origin, spec.changes.place, reason);
            }
        }
        let changes = change::rules(spec.changes.value, Variables::Event, text.origin, problems);
        let name = text.name.to_string();
        Some(Mapping { name, events, sources, target: spec.target, when, changes, when_place })
    }

    fn add_to(self, draft: &mut Draft, origin: Origin) {
        draft.mappings.push((origin, self));
    }
}
