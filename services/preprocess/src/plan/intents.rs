//! What is to change: by the tenant's mappings, and by the mesh itself for every session.

use serde_json::{Map, Value, json};
use tributary_config::{EventView, Target, Tenant};
use tributary_model::{Intent, IntentOp, Path};

/// What an event changes in its profile.
pub(super) fn of_profile(config: &Tenant, event: &EventView<'_>) -> Vec<Intent> {
    mapped(config, event, Target::Profile)
}

/// What an event changes in its session: first and last event, the count, the context; then the mappings.
pub(super) fn of_session(config: &Tenant, event: &EventView<'_>) -> Vec<Intent> {
    let time = Value::from(event.time.to_string());
    let mut intents = vec![
        intent("lows.first_event", IntentOp::Min, time.clone()),
        intent("highs.last_event", IntentOp::Max, time),
        intent("stats.counters.events", IntentOp::Increment, json!(1)),
    ];
    if let Some(context) = without_empty(event.context) {
        intents.push(intent("context", IntentOp::Set, Value::Object(context)));
    }
    intents.extend(mapped(config, event, Target::Session));
    intents
}

fn mapped(config: &Tenant, event: &EventView<'_>, target: Target) -> Vec<Intent> {
    let mappings = config.mappings.iter().filter(|mapping| mapping.target == target);
    mappings.flat_map(|mapping| mapping.intents(event)).collect()
}

fn intent(path: &str, op: IntentOp, value: Value) -> Intent {
    Intent { path: Path::new(path).expect("a constant path is valid"), op, value: Some(value) }
}

/// Clients send `{}` for "nothing known"; as a value it would be refused.
fn without_empty(object: &Map<String, Value>) -> Option<Map<String, Value>> {
    let kept: Map<String, Value> = object
        .iter()
        .filter_map(|(key, value)| match value {
            Value::Object(inner) => without_empty(inner).map(|inner| (key.clone(), Value::Object(inner))),
            other => Some((key.clone(), other.clone())),
        })
        .collect();
    (!kept.is_empty()).then_some(kept)
}
