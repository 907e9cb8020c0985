//! What conditions and expressions can see.

use std::sync::{Arc, LazyLock};

use cel::common::types::CelTimestamp;
use cel::{Context, Env};
use chrono::DateTime;
use serde_json::Value;
use tributary_model::Time;

use crate::{arithmetic, json};

/// The variables an expression may name.
pub(crate) const VARIABLES: [&str; 4] = ["event", "profile", "session", "now"];

/// Building the standard library costs about as much as evaluating ten conditions, so it happens once.
pub(crate) static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    arithmetic::declare(&mut env);
    Arc::new(env)
});

/// One event's view of the world: `event`, `profile`, `session`, `now`. Converting the documents is the
/// costly part; make one scope per event and evaluate everything over it.
pub struct Scope {
    pub(crate) context: Context<'static, 'static>,
}

impl Scope {
    /// A scope over these documents. `session` may be `null` when there is none: its paths are then absent.
    #[must_use]
    pub fn new(event: &Value, profile: &Value, session: &Value, now: Time) -> Scope {
        let mut scope = Scope { context: Context::with_env(Arc::clone(&ENVIRONMENT)) };
        scope.bind("event", event);
        scope.bind("profile", profile);
        scope.bind("session", session);
        let now = DateTime::from_timestamp_micros(now.as_micros())
            .expect("the years 1 to 9999, where times end, are within what chrono can hold");
        let now = CelTimestamp::from(now.fixed_offset());
        scope.context.add_variable_as_val("now", Box::new(now));
        scope
    }

    /// Replaces the profile, for steps that see what earlier steps changed.
    pub fn set_profile(&mut self, profile: &Value) {
        self.bind("profile", profile);
    }

    /// Replaces the session.
    pub fn set_session(&mut self, session: &Value) {
        self.bind("session", session);
    }

    fn bind(&mut self, name: &'static str, document: &Value) {
        let empty = Value::Object(serde_json::Map::new());
        let document = if document.is_null() { &empty } else { document };
        self.context.add_variable_as_val(name, json::to_cel(document));
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
