//! Names in documents: what documents, event types and environment variables may be called.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_model::Path;

/// The longest name of a document.
const MAX_NAME_BYTES: usize = 64;
/// The longest event type.
const MAX_TYPE_BYTES: usize = 128;

/// Which event types something is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Events {
    /// Every type: `events: "*"`.
    Any,
    /// These types.
    Types(BTreeSet<String>),
}

impl Events {
    /// Whether `event_type` is meant.
    #[must_use]
    pub fn matches(&self, event_type: &str) -> bool {
        match self {
            Events::Any => true,
            Events::Types(types) => types.contains(event_type),
        }
    }

    /// A type that both name; `*` is one of its own.
    pub(crate) fn same<'e>(&'e self, other: &'e Events) -> Option<&'e str> {
        match (self, other) {
            (Events::Any, Events::Any) => Some("*"),
            (Events::Types(these), Events::Types(those)) => {
                these.intersection(those).next().map(String::as_str)
            }
            _ => None,
        }
    }

    /// Whether there is a type that both mean.
    pub(crate) fn overlap(&self, other: &Events) -> bool {
        match (self, other) {
            (Events::Types(these), Events::Types(those)) => !these.is_disjoint(those),
            _ => true,
        }
    }

    pub(crate) fn from_spec(spec: EventsSpec) -> Result<Events, String> {
        let types = match spec {
            EventsSpec::One(one) if one == "*" => return Ok(Events::Any),
            EventsSpec::One(one) => vec![one],
            EventsSpec::Many(many) if many == ["*"] => return Ok(Events::Any),
            EventsSpec::Many(many) => many,
        };
        if types.is_empty() {
            return Err("events is empty: name the event types, or write \"*\" for all".into());
        }
        types.iter().try_for_each(|event_type| check_event_type(event_type))?;
        Ok(Events::Types(types.into_iter().collect()))
    }
}

/// `events:` as it is written: a list of types, one type, or `"*"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a list of event types, or \"*\" for all")]
#[schemars(rename = "Events")]
pub(crate) enum EventsSpec {
    One(#[schemars(length(min = 1, max = 128))] String),
    Many(#[schemars(length(min = 1))] Vec<String>),
}

pub(crate) fn check_event_type(event_type: &str) -> Result<(), String> {
    if event_type.is_empty() || event_type.len() > MAX_TYPE_BYTES || event_type.chars().any(char::is_control)
    {
        return Err(format!("an event type has 1 to {MAX_TYPE_BYTES} bytes and no control characters"));
    }
    if event_type.contains('*') {
        return Err(format!("event type {event_type}: * stands alone, for all types"));
    }
    Ok(())
}

/// A part of a path, such as the name of a segment.
pub(crate) fn check_part(what: &str, name: &str) -> Result<(), String> {
    if name.contains('.') {
        return Err(format!("{what}: {name:?} is one name, without dots"));
    }
    Path::new(name).map(|_| ()).map_err(|error| format!("{what}: {error}"))
}

/// The name below which a profile holds what nodes remember of it, such as when they let it pass. They alone write there,
/// documents only read, and it goes to no destination.
pub const BOOKKEEPING: &str = "workflows";

/// Why a document must not write `path`, if it must not.
pub(crate) fn reserved(path: &Path) -> Option<String> {
    (path.parts().next() == Some(BOOKKEEPING)).then(|| {
        format!(
            "{path} cannot be written: below {BOOKKEEPING} nodes keep what they remember of profiles; choose another path"
        )
    })
}

/// Names of documents and tenants: lowercase words with hyphens between.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), String> {
    let starts_with_letter = name.starts_with(|c: char| c.is_ascii_lowercase());
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let hyphens_between = !name.ends_with('-') && !name.contains("--");
    if starts_with_letter && hyphens_between && name.len() <= MAX_NAME_BYTES && name.chars().all(fits) {
        return Ok(());
    }
    Err(format!(
        "{what} {name:?} must be lowercase letters, digits and single hyphens, start with a letter, \
         and have at most {MAX_NAME_BYTES} characters"
    ))
}

/// The name of an environment variable. One that cannot be is not told: it may be the secret itself, pasted by mistake.
pub(crate) fn check_env_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(fits) {
        return Ok(());
    }
    Err("env: this cannot be the name of an environment variable: letters, digits and underscores".into())
}
