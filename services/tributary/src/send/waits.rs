//! What came of waiting, where something was waited for: how far events had come when they were answered, and what their
//! workflows answered.

use serde_json::{Map, Value};
use tributary_proto::{
    raw::RawStruct,
    v1::{self, WaitOutcome},
};

use crate::{out, runs};

/// The most events that are shown one by one.
const SHOWN: usize = 10;
/// Room for an answer.
const ROOM: usize = 2_000;

/// Of all events that were waited for.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// Events that had not come as far as was waited for when they were answered.
    pub(super) not_reached: u64,
    /// The first ones, by their place in the file.
    first: Vec<Waited>,
    first_not_reached: Option<Waited>,
    first_response: Option<Waited>,
}

/// An event that was waited for.
#[derive(Debug, Clone)]
struct Waited {
    line: usize,
    event_id: String,
    reached: v1::WaitFor,
    wait: WaitOutcome,
    response: Option<Map<String, Value>>,
}

impl Waits {
    /// An answer came for the payload of a line.
    pub(super) fn answered(&mut self, answer: &v1::TrackResponse, line: usize) {
        for event in answer.events.iter().filter(|event| event.wait() != WaitOutcome::Unspecified) {
            let response = event.response.as_ref().and_then(|response| RawStruct::to_object(response).ok());
            let waited = Waited {
                line,
                event_id: event.event_id.clone(),
                reached: event.reached(),
                wait: event.wait(),
                response,
            };
            self.not_reached += u64::from(waited.is_short());
            self.keep(waited);
        }
    }

    /// Adds another part's.
    pub(super) fn add(&mut self, other: Waits) {
        self.not_reached += other.not_reached;
        let all = other.first.into_iter().chain(other.first_not_reached).chain(other.first_response);
        all.for_each(|waited| self.keep(waited));
    }

    fn keep(&mut self, waited: Waited) {
        let is_first = |first: &Option<Waited>| first.as_ref().is_none_or(|first| waited.line < first.line);
        if waited.is_short() && is_first(&self.first_not_reached) {
            self.first_not_reached = Some(waited.clone());
        }
        if waited.response.is_some() && is_first(&self.first_response) {
            self.first_response = Some(waited.clone());
        }
        let is_there = |first: &Waited| (first.line, &first.event_id) == (waited.line, &waited.event_id);
        if !self.first.iter().any(is_there) {
            self.first.push(waited);
            // Those of one payload keep the order in which it has them.
            self.first.sort_by_key(|waited| waited.line);
            self.first.truncate(SHOWN);
        }
    }

    /// Those that are shown one by one, each with what was answered.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.first.iter().map(Waited::text)
    }

    /// What the first event was answered that was answered anything.
    pub(super) fn first_response(&self) -> Option<&Map<String, Value>> {
        self.first_response.as_ref()?.response.as_ref()
    }

    /// The first event that had not come as far as was waited for: where it stands, its id, and why.
    pub(super) fn first_not_reached(&self) -> Option<String> {
        let Waited { line, event_id, wait, .. } = self.first_not_reached.as_ref()?;
        Some(format!("line {line}, {}: {}", out::short(event_id, 128), state(*wait)))
    }
}

impl Waited {
    fn is_short(&self) -> bool {
        matches!(self.wait, WaitOutcome::TimedOut | WaitOutcome::Dead)
    }

    fn text(&self) -> String {
        let reached = runs::word(self.reached.as_str_name(), "WAIT_FOR_");
        let mut text = out::short(&self.event_id, 128);
        text.push_str(&match self.is_short() {
            true => format!("  {}, came as far as {reached}", state(self.wait)),
            false => format!("  reached {reached}"),
        });
        if let Some(response) = &self.response {
            let response = Value::Object(response.clone()).to_string();
            text.push_str(&format!(", answers {}", out::short(&response, ROOM)));
        }
        text
    }
}

/// As the contract calls it.
fn state(wait: WaitOutcome) -> &'static str {
    let name = wait.as_str_name();
    name.strip_prefix("WAIT_OUTCOME_").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(events: &[(&str, WaitOutcome, Option<Value>)]) -> v1::TrackResponse {
        let event = |(id, wait, response): &(&str, WaitOutcome, Option<Value>)| v1::EventResult {
            event_id: (*id).to_owned(),
            wait: (*wait).into(),
            reached: match wait {
                WaitOutcome::Reached => v1::WaitFor::Workflow.into(),
                _ => v1::WaitFor::Accepted.into(),
            },
            response: response.as_ref().and_then(Value::as_object).map(RawStruct::from_object),
            ..v1::EventResult::default()
        };
        v1::TrackResponse { events: events.iter().map(event).collect(), ..v1::TrackResponse::default() }
    }

    #[test]
    fn how_far_each_has_come_is_told_with_what_was_answered() {
        let mut waits = Waits::default();
        waits.answered(
            &answer(&[
                ("e-1", WaitOutcome::Reached, Some(json!({"banner": "jazz"}))),
                ("e-2", WaitOutcome::TimedOut, None),
                ("e-3", WaitOutcome::Unspecified, None),
            ]),
            1,
        );
        let lines: Vec<String> = waits.lines().collect();
        assert_eq!(
            lines,
            [
                r#"e-1  reached workflow, answers {"banner":"jazz"}"#,
                "e-2  TIMED_OUT, came as far as accepted"
            ]
        );
        assert_eq!(waits.first_not_reached().unwrap(), "line 1, e-2: TIMED_OUT");
        assert_eq!(waits.not_reached, 1);
    }

    #[test]
    fn of_several_parts_the_first_by_the_lines_of_the_file_count() {
        let part = |line, wait, value: u32| {
            let mut waits = Waits::default();
            waits.answered(&answer(&[(&format!("e-{line}"), wait, Some(json!({"n": value})))]), line);
            waits
        };
        let mut waits = part(7, WaitOutcome::Dead, 7);
        waits.add(part(3, WaitOutcome::TimedOut, 3));
        waits.add(part(5, WaitOutcome::Reached, 5));
        assert_eq!(waits.not_reached, 2);
        assert_eq!(waits.first_not_reached().unwrap(), "line 3, e-3: TIMED_OUT");
        assert_eq!(waits.first_response().unwrap()["n"], 3);
        assert_eq!(waits.lines().count(), 3);
    }
}
