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

/// One event's view of the world: `event`, `profile`, `session`, `memory`, `now`. Converting the documents is the
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
    /// A scope over these documents, with an empty memory. `session` may be `null` when there is none: its paths are then
    /// absent.
    #[must_use]
    pub fn new(event: &Value, profile: &Value, session: &Value, now: Time) -> Scope {
        let mut scope = Scope::of_event(event);
        scope.bind("profile", profile);
        scope.bind("session", session);
        scope.bind("memory", &Value::Null);
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
            Scope { context, documents: Vec::with_capacity(5), left: AtomicUsize::new(MAX_SCOPE_STEPS) };
        scope.bind("event", event);
        scope
    }

    /// Gives the evaluations from here on so many steps together, in place of those that are left: for what is counted over
    /// several scopes, or apart from the rest of one.
    pub fn allow(&mut self, steps: usize) {
        self.left = AtomicUsize::new(steps);
    }

    /// Takes away what it cost to show all that is shown: as much as looking at each value once.
    pub fn charge_shown(&self) {
        self.take_steps(self.documents.iter().map(|document| json::weight(&document.json)).sum());
    }

    /// Replaces the profile, for steps that see what earlier steps changed.
    pub fn set_profile(&mut self, profile: &Value) {
        self.replace("profile", profile);
    }

    /// Replaces the event, for what looks at another one than the run's own.
    pub fn set_event(&mut self, event: &Value) {
        self.replace("event", event);
    }

    /// Replaces what the nodes of a run have found out: an object of node names.
    pub fn set_memory(&mut self, memory: &Value) {
        self.replace("memory", memory);
    }

    /// What is at `path`, the first part of which is a variable; for records of what was looked at. Null is nothing.
    #[must_use]
    pub fn lookup(&self, path: &[String]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        let document = self.documents.iter().find(|document| document.name == first)?;
        let found = rest.iter().try_fold(&document.json, |value, part| value.get(part));
        found.filter(|value| !value.is_null())
    }

    /// How much the evaluations over this scope, and replacing what it shows, took so far, in steps of some 100 ns. They have
    /// [`MAX_SCOPE_STEPS`] of them together: when these are used up, each further evaluation fails.
    #[must_use]
    pub fn steps_taken(&self) -> usize {
        MAX_SCOPE_STEPS.saturating_sub(self.steps_left())
    }

    /// How many steps are left.
    #[must_use]
    pub fn steps_left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }

    pub(crate) fn take_steps(&self, steps: usize) {
        self.left.store(self.steps_left().saturating_sub(steps), Ordering::Relaxed);
    }

    /// What is shown again and again, such as a thousand events of the past, costs what it takes.
    fn replace(&mut self, name: &'static str, document: &Value) {
        self.take_steps(json::weight(document));
        self.bind(name, document);
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
        self.lookup(path).is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::tests_support::scope;
    use crate::{Condition, Expression, Template, Variables, Verdict};

    #[test]
    fn memory_is_empty_until_it_is_set_and_a_run_alone_sees_it() {
        let condition =
            Condition::compile_with("memory['wait-for-order'].type == 'order'", Variables::Run).unwrap();
        let template = Template::compile("{{ memory.ask.name }}", Variables::Run).unwrap();
        let mut scope = scope();
        assert_eq!(
            condition.evaluate(&scope),
            Verdict::Missing { what: "memory['wait-for-order'].type".into() }
        );
        assert_eq!(template.render(&scope).unwrap_err().to_string(), "memory.ask.name is missing");
        scope.set_memory(&json!({"wait-for-order": {"type": "order"}, "ask": {"name": "Ada"}}));
        assert_eq!(condition.evaluate(&scope), Verdict::True);
        assert_eq!(template.render(&scope).unwrap(), "Ada");
        let refusal = Condition::compile("memory.ask == 1").unwrap_err().to_string();
        assert_eq!(
            refusal,
            "memory cannot be used here: what nodes remember is known to the nodes of a workflow alone"
        );
        let refusal = Template::compile("{{ memory.ask }}", Variables::Event).unwrap_err().to_string();
        assert!(refusal.contains("a mapping sees the event only"), "{refusal}");
    }

    #[test]
    fn what_was_looked_at_can_be_looked_up() {
        let mut scope = scope();
        let path = |text: &str| text.split('.').map(str::to_string).collect::<Vec<_>>();
        assert_eq!(scope.lookup(&path("event.properties.whole")), Some(&json!(30)));
        assert_eq!(scope.lookup(&path("event.properties.nothing")), None);
        assert_eq!(scope.lookup(&path("other.x")), None);
        assert_eq!(scope.lookup(&[]), None);
        scope.set_event(&json!({"type": "other"}));
        assert_eq!(scope.lookup(&path("event.type")), Some(&json!("other")));
        assert_eq!(Expression::compile("event.type").unwrap().evaluate(&scope), Ok(json!("other")));
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
