//! What conditions and expressions can see.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use cel::common::types::CelTimestamp;
use cel::{Context, Env};
use chrono::DateTime;
use serde_json::Value;
use tributary_model::Time;

use crate::work::{self, MAX_SCOPE_STEPS};
use crate::{arithmetic, json, order, template};

/// Building the standard library costs about as much as evaluating ten conditions, so it happens once.
pub(crate) static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    arithmetic::declare(&mut env);
    order::declare(&mut env);
    work::declare(&mut env);
    Arc::new(env)
});

/// One event's view of the world: `event`, `profile`, `session`, `now`. Converting the documents is the
/// costly part; make one scope per event and evaluate everything over it.
pub struct Scope {
    pub(crate) context: Context<'static, 'static>,
    documents: Vec<Document>,
    /// What is left for evaluations, in steps.
    left: AtomicUsize,
}

/// A document as templates see it.
struct Document {
    name: &'static str,
    json: Value,
    /// Converted when the first template asks: most scopes are never asked.
    converted: OnceLock<minijinja::Value>,
}

impl Scope {
    /// A scope over these documents. `session` may be `null` when there is none: its paths are then absent.
    #[must_use]
    pub fn new(event: &Value, profile: &Value, session: &Value, now: Time) -> Scope {
        let mut scope = Scope::of_event(event);
        scope.bind("profile", profile);
        scope.bind("session", session);
        scope.keep("now", Value::from(now.to_string()));
        let now = DateTime::from_timestamp_micros(now.as_micros())
            .expect("the years 1 to 9999, where times end, are within what chrono can hold");
        let now = CelTimestamp::from(now.fixed_offset());
        scope.context.add_variable_as_val("now", Box::new(now));
        scope
    }

    /// A scope with an event and nothing else, for what was compiled with [`Variables::Event`](crate::Variables).
    #[must_use]
    pub fn of_event(event: &Value) -> Scope {
        let context = Context::with_env(Arc::clone(&ENVIRONMENT));
        let mut scope =
            Scope { context, documents: Vec::with_capacity(4), left: AtomicUsize::new(MAX_SCOPE_STEPS) };
        scope.bind("event", event);
        scope
    }

    /// Replaces the profile, for steps that see what earlier steps changed.
    pub fn set_profile(&mut self, profile: &Value) {
        self.bind("profile", profile);
    }

    /// How much the evaluations over this scope took so far, in steps of some 100 ns. They have 10 million of them together:
    /// when these are used up, each further one fails.
    #[must_use]
    pub fn steps_taken(&self) -> usize {
        MAX_SCOPE_STEPS - self.steps_left()
    }

    pub(crate) fn steps_left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }

    pub(crate) fn take_steps(&self, steps: usize) {
        self.left.store(self.steps_left().saturating_sub(steps), Ordering::Relaxed);
    }

    fn bind(&mut self, name: &'static str, document: &Value) {
        let empty = Value::Object(serde_json::Map::new());
        let document = if document.is_null() { &empty } else { document };
        self.context.add_variable_as_val(name, json::to_cel(document));
        self.keep(name, document.clone());
    }

    fn keep(&mut self, name: &'static str, json: Value) {
        self.documents.retain(|document| document.name != name);
        self.documents.push(Document { name, json, converted: OnceLock::new() });
    }

    /// All documents, for a template.
    pub(crate) fn template_root(&self) -> minijinja::Value {
        minijinja::Value::from_pairs(self.documents.iter().map(|document| {
            let converted = document.converted.get_or_init(|| template::to_template(&document.json));
            (document.name, converted.clone())
        }))
    }

    /// Whether there is something at `path`; null is nothing.
    pub(crate) fn has(&self, path: &[String]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        let Some(document) = self.documents.iter().find(|document| document.name == first) else {
            return false;
        };
        let found = rest.iter().try_fold(&document.json, |value, part| value.get(part));
        found.is_some_and(|value| !value.is_null())
    }
}

#[cfg(test)]
pub(crate) mod tests_support {
    use serde_json::json;

    use super::*;

    pub(crate) fn event() -> Value {
        json!({
            "type": "purchase",
            "properties": {"value": 29.33, "whole": 30, "name": "x", "tags": ["a", "b"], "nothing": null},
        })
    }

    pub(crate) fn scope() -> Scope {
        let profile = json!({"purchases": {"count": 3, "total": 88.5}, "segments": {"loyal": true}});
        let now = "2024-05-01T12:00:00Z".parse().expect("a time");
        Scope::new(&event(), &profile, &Value::Null, now)
    }
}
