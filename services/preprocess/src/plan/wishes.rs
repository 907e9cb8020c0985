//! What is to change: by the tenant's mappings, and by the mesh itself for every session.

use super::marks::Marks;
use serde_json::{Map, Value, json};
use tributary_config::{EventView, Mapping, Sight, Target, Tenant};
use tributary_model::{Intent, IntentOp, Path};

/// One wish, and who has it.
pub(super) struct Wish<'a> {
    /// The mapping; none for what the mesh itself wishes.
    pub(super) by: Option<&'a Mapping>,
    /// What it wishes.
    pub(super) intent: Intent,
}

/// What an event changes in its profile by the tenant's mappings. What they could not make is marked.
pub(super) fn of_profile<'a>(config: &'a Tenant, sight: &Sight<'_>, marks: &mut Marks) -> Vec<Wish<'a>> {
    mapped(config, sight, Target::Profile, marks)
}

/// The same for its session.
pub(super) fn of_session<'a>(config: &'a Tenant, sight: &Sight<'_>, marks: &mut Marks) -> Vec<Wish<'a>> {
    mapped(config, sight, Target::Session, marks)
}

/// What every event changes in its session: first and last event, the count, the context.
pub(super) fn of_mesh<'a>(event: &EventView<'_>) -> Vec<Wish<'a>> {
    let time = Value::from(event.time.to_string());
    let mut intents = vec![
        intent("lows.first_event", IntentOp::Min, time.clone()),
        intent("highs.last_event", IntentOp::Max, time),
        intent("stats.counters.events", IntentOp::Increment, json!(1)),
    ];
    if let Some(context) = without_empty(event.context) {
        intents.push(intent("context", IntentOp::Set, Value::Object(context)));
    }
    intents.into_iter().map(|intent| Wish { by: None, intent }).collect()
}

fn mapped<'a>(config: &'a Tenant, sight: &Sight<'_>, target: Target, marks: &mut Marks) -> Vec<Wish<'a>> {
    let mut wishes = Vec::new();
    for mapping in config.mappings.iter().filter(|mapping| mapping.target == target) {
        let made = mapping.make(sight);
        for failure in made.failures {
            marks.add(Some(mapping), &failure.path, failure.reason, &failure.description);
        }
        wishes.extend(made.intents.into_iter().map(|intent| Wish { by: Some(mapping), intent }));
    }
    wishes
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
