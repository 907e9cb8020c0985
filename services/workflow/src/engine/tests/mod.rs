//! The engine over small configurations and random events.

mod example;
mod laws;
mod steps;

use serde_json::{Map, Value};
use tributary_config::{Config, EventView, Tenant};
use tributary_model::{Change, EventId, State, Time};

use super::{Run, RunInput, run_all};

/// A source, and paths that the workflows read and nothing here writes.
const SOURCE: &str = "kind: Source\nname: web\nspec:\n  write_keys: [{env: KEY}]\n---\nkind: Fields\nname: elsewhere\n\
                      spec: {fields: {loyalty.points: register, name: register, x: register}}\n---\n";

/// A tenant with these documents.
fn tenant(documents: &str) -> Tenant {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("all.yaml"), format!("{SOURCE}{documents}")).unwrap();
    let config = Config::load(dir.path()).unwrap_or_else(|errors| panic!("{errors}"));
    config.tenants.into_values().next().unwrap()
}

/// A workflow document with these steps, triggered by `buy`.
fn workflow(name: &str, steps: &str) -> String {
    let steps: String = steps.lines().map(|line| format!("    {line}\n")).collect();
    format!("---\nkind: Workflow\nname: {name}\nspec:\n  trigger:\n    events: [buy]\n  steps:\n{steps}")
}

struct Event {
    id: EventId,
    event_type: String,
    time: Time,
    properties: Map<String, Value>,
}

fn event(id: &str, properties: Value) -> Event {
    Event {
        id: EventId::new(id).unwrap(),
        event_type: "buy".into(),
        time: Time::from_micros(1_000_000),
        properties: properties.as_object().unwrap().clone(),
    }
}

fn run_over(tenant: &Tenant, event: &Event, profile: &State) -> Vec<Run> {
    let context = Map::new();
    let view = EventView {
        id: event.id.as_str(),
        event_type: &event.event_type,
        time: event.time,
        received: event.time,
        source: "web",
        session_id: None,
        properties: &event.properties,
        context: &context,
    };
    let session = State::default();
    run_all(
        tenant,
        &RunInput { event: view, event_id: &event.id, profile, session: &session, now: event.time },
    )
}

/// What the profile shows after `runs`.
fn after(profile: &State, runs: &[Run], tenant: &Tenant) -> Value {
    let mut state = profile.clone();
    for change in changes(runs) {
        state.apply(change);
    }
    Value::Object(state.view_as(&tenant.kinds, Time::from_micros(2_000_000)).document())
}

fn changes(runs: &[Run]) -> impl Iterator<Item = &Change> {
    runs.iter().flat_map(|run| &run.changes)
}
