//! Which events a workflow runs for.

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_expressions::{Condition, Variables};

use crate::at::At;
use crate::change;
use crate::error::{Origin, Place, Problems};
use crate::names::{self, Events, EventsSpec};
use crate::sources::Sources;

/// Which events a workflow runs for.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// The event types.
    pub events: Events,
    /// The sources.
    pub sources: Sources,
    /// What must hold besides, asked once, before any node.
    pub condition: Option<Condition>,
    /// The consents that the profile must have given, by name.
    pub consents: Vec<String>,
    pub(crate) condition_place: Place,
}

/// Which events the workflow runs for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Trigger")]
pub(super) struct TriggerSpec {
    /// The event types, or "*" for all.
    events: At<EventsSpec>,
    /// Only events of these sources; of all, when left out.
    #[serde(default)]
    #[schemars(length(min = 1))]
    sources: Option<At<Vec<At<String>>>>,
    /// What must hold besides, in CEL over event, profile, session and now; asked once, before any node.
    #[serde(default)]
    condition: Option<At<String>>,
    /// Consents that the profile must have given at that moment, such as `marketing` for `consents.marketing`.
    #[serde(default)]
    consents: Vec<At<String>>,
}

/// Reads a trigger; what is wrong with it is told. `None` when nobody knows which events are meant.
pub(super) fn read(spec: TriggerSpec, origin: &Origin, problems: &mut Problems) -> Option<Trigger> {
    let events = Events::from_spec(spec.events.value);
    if let Err(reason) = &events {
        problems.add(origin, spec.events.place, reason);
    }
    let sources = Sources::from_spec(spec.sources, origin, problems);
    let condition_place = spec.condition.as_ref().map_or_else(Place::default, |given| given.place);
    let condition = change::condition("condition", spec.condition, Variables::All, origin, problems);
    let mut consents = Vec::with_capacity(spec.consents.len());
    for consent in spec.consents {
        match names::check_part("consents", &consent.value) {
            Ok(()) => consents.push(consent.value),
            Err(reason) => problems.add(origin, consent.place, reason),
        }
    }
    Some(Trigger { events: events.ok()?, sources, condition, consents, condition_place })
}
