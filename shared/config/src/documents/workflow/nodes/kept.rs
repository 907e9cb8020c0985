//! What `throttle` and `run_once` keep in the profile, below `workflows`: changes that give the same in any order.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tributary_engine::Turn;
use tributary_model::{Cell, Intent, IntentOp, Kind, Path, PathError, State, Time};

/// Where one node of one workflow keeps something.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    workflow: String,
    node: String,
}

impl Shelf {
    pub(super) fn of(turn: &Turn<'_, '_>) -> Shelf {
        Shelf::named(turn.workflow(), turn.node())
    }

    pub(super) fn named(workflow: &str, node: &str) -> Shelf {
        Shelf { workflow: escaped(workflow), node: escaped(node) }
    }

    /// The newest of some times.
    pub(super) fn time(&self, which: &str) -> Result<Path, PathError> {
        Path::new(format!("workflows.times.{}.{}.{which}", self.workflow, self.node))
    }

    /// How often it let runs pass.
    pub(super) fn passes(&self) -> Result<Path, PathError> {
        Path::new(format!("workflows.passes.{}.{}", self.workflow, self.node))
    }

    /// The value that it saw last.
    pub(super) fn value(&self) -> Result<Path, PathError> {
        Path::new(format!("workflows.values.{}.{}", self.workflow, self.node))
    }
}

/// The time that is kept at `path`.
pub(super) fn time_at(state: &State, path: &Path) -> Option<Time> {
    match state.get(path, Kind::Max) {
        Some(Cell::Max(newest)) => Some(newest.bound.value.to_time()),
        _ => None,
    }
}

/// The count that is kept at `path`.
pub(super) fn count_at(state: &State, path: &Path) -> u64 {
    match state.get(path, Kind::Counter) {
        Some(Cell::Counter(counter)) => counter.total().to_json().as_u64().unwrap_or(0),
        _ => 0,
    }
}

/// The value that is kept at `path`, and the time of the change that it is of.
pub(super) fn value_at<'s>(state: &'s State, path: &Path) -> Option<(Time, &'s Value)> {
    match state.get(path, Kind::Register) {
        Some(Cell::Register(register)) => {
            let (stamp, value) = register.main.as_ref()?;
            Some((stamp.time, value.as_ref()?))
        }
        _ => None,
    }
}

/// Keeps `moment`, unless a later one is kept there.
pub(super) fn keep_time(path: Path, moment: Time) -> Intent {
    Intent { path, op: IntentOp::Max, value: Some(json!(moment.to_string())) }
}

/// Counts one more.
pub(super) fn count_one(path: Path) -> Intent {
    Intent { path, op: IntentOp::Increment, value: Some(json!(1)) }
}

/// Keeps `value`.
pub(super) fn keep_value(path: Path, value: Value) -> Intent {
    Intent { path, op: IntentOp::Set, value: Some(value) }
}

/// The name as one part of a path: letters, digits, hyphens and underscores as they are, all else as `%` with two digits for
/// each byte.
fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => escaped.push(char::from(byte)),
            _ => write!(escaped, "%{byte:02x}").expect("a String takes all text"),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_parts_of_paths_are_escaped_and_stay_apart() {
        let path = |workflow: &str, node: &str| Shelf::named(workflow, node).passes().unwrap().to_string();
        assert_eq!(path("fraud-check", "limit_2"), "workflows.passes.fraud-check.limit_2");
        assert_eq!(path("a.b", "ü %"), "workflows.passes.a%2eb.%c3%bc%20%25");
        assert_ne!(path("a.b", "c"), path("a", "b.c"));
        assert!(Shelf::named("w", &"ü".repeat(99)).passes().is_err());
    }
}
