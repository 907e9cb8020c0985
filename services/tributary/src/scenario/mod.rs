//! Scenarios: events in; answer, profile, session, derived events and deliveries out, without a mesh.
//!
//! [`play`] is the whole of it: the pure code of the stages (`tributary-preprocess`, `tributary-workflow`,
//! `tributary-dispatcher`) around slots and timers in memory. Nothing is read or written; the scenario sets the clock.

pub(crate) mod answering;
mod compare;
mod happened;
pub(crate) mod past;
mod paused;
mod slot;
pub(crate) mod test;
mod timers;
mod world;

use serde_json::Value;
use tributary_config::{Clock, Config, Events, Scenario, ScenarioStep, Tenant};
use tributary_model::{ProfileId, TenantId, Time};
use tributary_proto::v1::TrackRequest;
use world::World;

pub use compare::{Compared, Line};

/// A scenario that was played to its end.
#[derive(Debug, Clone)]
pub struct Played {
    /// Its steps, in order.
    pub steps: Vec<PlayedStep>,
}

/// A step that was played.
#[derive(Debug, Clone)]
pub struct PlayedStep {
    /// Its name, or what it does.
    pub name: String,
    /// The line of the scenario's file that it begins at.
    pub line: u64,
    /// What the clock showed when it was done; a payload is received at that very moment.
    pub time: Time,
    /// What was tracked, as a client would send it.
    pub sent: Option<TrackRequest>,
    /// Everything that came of it, whether it was expected or not: `refused`, `events`, `warnings`, `profile`, `session`,
    /// `response`, `calls`, `derived`, `deliveries`, `dead_letters`.
    pub actual: Value,
    /// The part of it that something was expected of.
    pub compared: Compared,
    /// Calls that the scenario has no answer to: nobody knows what would have come of them, so the step fails.
    pub unanswered: Vec<String>,
    /// What explains why something is not as expected: refused changes, missing paths, violations.
    pub notes: Vec<String>,
}

impl Played {
    /// Whether everything came as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.steps.iter().all(PlayedStep::passed)
    }
}

impl PlayedStep {
    /// Whether everything came as expected, and every call was answered.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.compared.is_equal() && self.unanswered.is_empty()
    }
}

/// Plays a scenario of `tenant` under `config`. The same scenario always gives the same.
///
/// # Panics
/// Unless `config` has the tenant, and loading it has checked the scenario.
#[must_use]
pub fn play(config: &Config, tenant: &TenantId, scenario: &Scenario) -> Played {
    let configured = config.tenant(tenant).expect("a scenario belongs to a tenant of its configuration");
    let mut world = World::new(config, tenant, configured, scenario);
    world.give(scenario).expect("loading checked what is given");
    let mut numbered = 0;
    let steps = scenario.steps.iter().map(|step| {
        world.begin(step);
        match step.clock {
            Clock::Stands => {}
            Clock::Waits(duration) => world.advance(world.now().plus(duration)),
            Clock::At(time) => world.advance(time),
        }
        let sent = step.payload.as_ref().map(|payload| world.track(payload, &mut numbered));
        played(step, sent, configured, &world)
    });
    Played { steps: steps.collect() }
}

fn played(step: &ScenarioStep, sent: Option<TrackRequest>, tenant: &Tenant, world: &World<'_>) -> PlayedStep {
    let named = step.profile_id.as_deref().filter(|_| step.payload.is_none());
    let named = named.and_then(|id| ProfileId::new(id).ok());
    let profile = named.as_ref().or(world.profile.as_ref()).and_then(|profile| world.profile_fields(profile));
    let session = world.session.as_ref().and_then(|session| world.session_fields(session));
    let actual = world.happened.document(profile, session);
    let compared = Compared::new(step.expect.document(), &actual);
    let mut notes = world.happened.notes.clone();
    notes.extend(unheard_of(step, tenant));
    if !compared.is_equal() {
        notes.extend(world.waiting());
    }
    let unanswered = world.happened.unanswered.clone();
    PlayedStep {
        name: name(step),
        line: step.line,
        time: world.now(),
        sent,
        actual,
        compared,
        unanswered,
        notes,
    }
}

/// Event types that no document is about. That may be meant; where something else was expected, it is a misspelt word.
fn unheard_of(step: &ScenarioStep, tenant: &Tenant) -> Vec<String> {
    let known = |event_type: &str| {
        let named = |events: &Events| matches!(events, Events::Types(_)) && events.matches(event_type);
        tenant.mappings.iter().any(|mapping| named(&mapping.events))
            || tenant.workflows.iter().any(|workflow| named(&workflow.trigger.events))
            || tenant.schemas.iter().any(|schema| named(&schema.events))
    };
    let events = step.payload.iter().flat_map(|payload| &payload.events);
    let types = events.map(|event| event.event_type.as_str()).filter(|event_type| !event_type.is_empty());
    let note = |event_type| format!("no Mapping, Workflow or Schema names the event type {event_type}");
    types.filter(|event_type| !known(event_type)).map(note).collect()
}

fn name(step: &ScenarioStep) -> String {
    if let Some(name) = &step.name {
        return name.clone();
    }
    let moves = match step.clock {
        Clock::Stands => None,
        Clock::Waits(duration) => Some(format!("wait {}", humantime::format_duration(duration))),
        Clock::At(time) => Some(format!("at {time}")),
    };
    let types = step.payload.as_ref().map(|payload| {
        let shown =
            |event_type: &'_ str| if event_type.is_empty() { "\"\"".into() } else { event_type.to_owned() };
        let types: Vec<String> = payload.events.iter().map(|event| shown(&event.event_type)).collect();
        format!("track {}", types.join(", "))
    });
    moves.into_iter().chain(types).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
