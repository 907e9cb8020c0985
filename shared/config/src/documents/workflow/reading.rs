//! A node being read: what kinds need to make of their specs what runs, and to tell what is wrong.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;
use tributary_expressions::{Condition, Expression, Template, Variables};
use tributary_model::Path;

use super::nodes::Written;
use super::operand::{MADE, Operand};
use crate::at::At;
use crate::change::{self, ChangeRule, ChangeSpec, OneOrMany};
use crate::error::{Origin, Place, Problems};
use crate::names;

/// A node whose spec is read. Its methods tell what is wrong where it is written, and give `None` then.
pub(crate) struct Reading<'r> {
    /// The document.
    pub(crate) origin: &'r Origin,
    /// What is wrong so far.
    pub(crate) problems: &'r mut Problems,
    /// Whether it belongs to the body of a for-each.
    pub(crate) in_body: bool,
    /// The nodes of its body, where it is a for-each.
    pub(super) body: Vec<Written>,
}

impl<'r> Reading<'r> {
    /// Of a node outside of a for-each.
    pub(super) fn new(origin: &'r Origin, problems: &'r mut Problems) -> Reading<'r> {
        Reading { origin, problems, in_body: false, body: Vec::new() }
    }
}

impl Reading<'_> {
    /// Tells what is wrong at `place`.
    pub(crate) fn tell(&mut self, place: Place, reason: impl Into<String>) {
        self.problems.add(self.origin, place, reason);
    }

    /// A condition over what a run sees. `what` is what it is called where it is written.
    pub(crate) fn condition(&mut self, what: &str, source: At<String>) -> Option<At<Condition>> {
        let place = source.place;
        let read = change::condition(what, Some(source), Variables::Run, self.origin, self.problems)?;
        Some(At { value: read, place })
    }

    /// An expression over what a run sees.
    pub(crate) fn expression(&mut self, what: &str, source: At<String>) -> Option<At<Expression>> {
        let place = source.place;
        let read = Expression::compile_with(&source.value, Variables::Run);
        let read = read.map_err(|error| self.tell(place, format!("{what}: {error}"))).ok()?;
        Some(At { value: read, place })
    }

    /// A template over what a run sees.
    pub(crate) fn template(&mut self, what: &str, source: At<String>) -> Option<At<Template>> {
        let place = source.place;
        let read = Template::compile(&source.value, Variables::Run);
        let read = read.map_err(|error| self.tell(place, format!("{what}: {error}"))).ok()?;
        Some(At { value: read, place })
    }

    /// An operand: `{expr: CEL}` is computed, `{template: TEXT}` filled in, everything else stands for itself.
    pub(crate) fn operand(&mut self, what: &str, value: At<Value>) -> Option<At<Operand>> {
        let place = value.place;
        let more = value.value.as_object().filter(|object| object.len() > 1);
        if let Some(made) = more.and_then(|object| MADE.into_iter().find(|name| object.contains_key(*name))) {
            let reason = format!(
                "{what}: {made} stands alone: leave out what is beside it, or compute all of it with one expr"
            );
            self.tell(place, reason);
            return None;
        }
        let made = value.value.as_object().filter(|object| object.len() == 1).and_then(|object| {
            let (name, source) = object.iter().next()?;
            MADE.contains(&name.as_str()).then(|| (name.clone(), source.clone()))
        });
        let operand = match made {
            None => Operand::Literal(value.value),
            Some((name, Value::String(value))) if name == "expr" => {
                let read = self.expression(&format!("{what}: expr"), At { value, place })?;
                Operand::Computed(read.value)
            }
            Some((_, Value::String(value))) => {
                let read = self.template(&format!("{what}: template"), At { value, place })?;
                Operand::Filled(read.value)
            }
            Some((name, _)) => {
                self.tell(place, format!("{what}: {name} must be a text"));
                return None;
            }
        };
        Some(At { value: operand, place })
    }

    /// A path of the profile.
    pub(crate) fn path(&mut self, path: At<String>) -> Option<At<Path>> {
        let read = Path::new(path.value).map_err(|error| self.tell(path.place, error.to_string())).ok()?;
        if let Some(reason) = names::reserved(&read) {
            self.tell(path.place, reason);
            return None;
        }
        Some(At { value: read, place: path.place })
    }

    /// A part of a path, such as the name of a segment.
    pub(crate) fn part(&mut self, what: &str, name: At<String>) -> Option<At<String>> {
        let read = names::check_part(what, &name.value);
        read.map_err(|reason| self.tell(name.place, reason)).ok()?;
        Some(name)
    }

    /// An event type.
    pub(crate) fn event_type(&mut self, event_type: At<String>) -> Option<At<String>> {
        let read = names::check_event_type(&event_type.value);
        read.map_err(|reason| self.tell(event_type.place, reason)).ok()?;
        Some(event_type)
    }

    /// Event types, one at least.
    pub(crate) fn event_types(
        &mut self,
        what: &str,
        types: At<OneOrMany<String>>,
    ) -> Option<Vec<At<String>>> {
        let place = types.place;
        let types = types.value.into_vec();
        if types.is_empty() {
            self.tell(place, format!("{what}: name one event type at least"));
            return None;
        }
        if types.iter().any(|event_type| event_type == "*") {
            self.tell(place, format!("{what}: name the event types; * is not understood here"));
            return None;
        }
        types.into_iter().map(|value| self.event_type(At { value, place })).collect()
    }

    /// A duration like `10s`.
    pub(crate) fn duration(
        &mut self,
        what: &str,
        text: At<String>,
        range: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let (least, most) = (range.start(), range.end());
        let reason = match humantime::parse_duration(&text.value) {
            Ok(duration) if range.contains(&duration) => return Some(duration),
            Ok(_) => format!("{what}: {} must be between {} and {}", text.value, told(*least), told(*most)),
            Err(_) => format!("{what}: {:?} is not a duration like 30s, 15m or 2days", text.value),
        };
        self.tell(text.place, reason);
        None
    }

    /// Changes as mappings have them, over what a run sees.
    pub(crate) fn changes(&mut self, specs: Vec<ChangeSpec>) -> Vec<ChangeRule> {
        change::rules(specs, Variables::Run, self.origin, self.problems)
    }
}

/// A duration as documents write it: whole days stay days.
pub(crate) fn told(duration: Duration) -> String {
    let (seconds, day) = (duration.as_secs(), 86_400);
    if seconds > 0 && seconds % day == 0 && duration.subsec_nanos() == 0 {
        let days = seconds / day;
        return format!("{days}day{}", if days == 1 { "" } else { "s" });
    }
    humantime::format_duration(duration).to_string()
}
