//! Payloads as JSON, one a line, with the names of the contract. Pure.

use serde::Deserialize;
use serde_json::{Map, Value, error::Category};
use tributary_model::Time;
use tributary_proto::{convert::time_to_wire, raw::RawStruct, v1};

use super::{identity::Identity, wait_for::WaitFor};

/// Turns lines into payloads. What has no id gets a request id, so that the same file sent again is known.
pub(super) struct Reader {
    identity: Identity,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    #[serde(default)]
    source: String,
    #[serde(default, alias = "requestId")]
    request_id: String,
    #[serde(default, alias = "profileId")]
    profile_id: String,
    #[serde(default, alias = "sessionId")]
    session_id: String,
    context: Option<Map<String, Value>>,
    events: Vec<Event>,
    options: Option<Options>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    #[serde(default)]
    id: String,
    r#type: String,
    time: Option<String>,
    properties: Option<Map<String, Value>>,
    wait_for: Option<WaitFor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    historical: bool,
    wait_for: Option<WaitFor>,
}

impl Reader {
    pub(super) fn new(identity: Identity) -> Reader {
        Reader { identity }
    }

    /// The payload of a line; `None` for an empty one.
    ///
    /// # Errors
    /// The line is no payload; says why, and shows no value of it.
    pub(super) fn read(&mut self, number: usize, line: &str) -> Result<Option<v1::TrackRequest>, String> {
        self.identity.take_in(line);
        if line.trim().is_empty() {
            return Ok(None);
        }
        if !line.trim_start().starts_with('{') {
            return Err(r#"not a JSON object; a payload is like {"profile_id": "0001", "events": [{"type": "page-view"}]}"#.to_owned());
        }
        let payload: Payload = serde_json::from_str(line).map_err(|error| reason(&error))?;
        let events = (0..).zip(payload.events).map(|(index, event)| on_wire(index, event));
        let events = events.collect::<Result<Vec<_>, _>>()?;
        let nameless = payload.request_id.is_empty() && events.iter().any(|event| event.id.is_empty());
        let request_id = if nameless { self.identity.request_id(number) } else { payload.request_id };
        Ok(Some(v1::TrackRequest {
            source: payload.source,
            request_id,
            profile_id: payload.profile_id,
            session_id: payload.session_id,
            context: payload.context.as_ref().map(RawStruct::from_object),
            events,
            options: payload.options.map(|Options { historical, wait_for }| v1::TrackOptions {
                historical,
                wait_for: level(wait_for),
            }),
        }))
    }
}

fn on_wire(index: usize, event: Event) -> Result<v1::EventInput, String> {
    let time = event.time.map(|time| time.parse::<Time>()).transpose();
    let time =
        time.map_err(|_| format!("events[{index}].time is not an RFC 3339 time, like 2026-01-02T03:04:05Z"))?;
    Ok(v1::EventInput {
        id: event.id,
        r#type: event.r#type,
        time: time.map(time_to_wire),
        properties: event.properties.as_ref().map(RawStruct::from_object),
        wait_for: level(event.wait_for),
    })
}

fn level(wait_for: Option<WaitFor>) -> i32 {
    wait_for.map_or(v1::WaitFor::Unspecified, v1::WaitFor::from).into()
}

/// What serde says, without the value that it found: that may be personal, and what is said may end in a log.
fn reason(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let said = match said.split_once(", expected ") {
        Some((found, expected)) if found.starts_with("invalid") => format!("expected {expected}"),
        _ => said.to_owned(),
    };
    let said = match error.classify() {
        Category::Eof => "the line ends in the middle of a payload".to_owned(),
        Category::Syntax => format!("not JSON ({said})"),
        Category::Data | Category::Io => said,
    };
    format!("column {}: {said}", error.column())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(line: &str) -> Result<Option<v1::TrackRequest>, String> {
        Reader::new(Identity::File([7; 32])).read(3, line)
    }

    #[test]
    fn a_line_is_a_payload_with_all_that_the_contract_has() {
        let line = json!({
            "source": "shop", "request_id": "r", "profile_id": "p", "session_id": "s", "context": {"app": "x"},
            "events": [
                {"id": "e", "type": "purchase", "time": "1997-01-01T00:00:00Z", "properties": {"value": 1.5}},
                {"type": "page-view", "wait_for": "WAIT_FOR_STORED"},
            ],
            "options": {"historical": true, "wait_for": "workflow"},
        });
        let payload = read(&line.to_string()).unwrap().unwrap();
        assert_eq!((&*payload.source, &*payload.request_id), ("shop", "r"));
        assert_eq!((&*payload.profile_id, &*payload.session_id), ("p", "s"));
        let options = payload.options.unwrap();
        assert_eq!((options.historical, options.wait_for()), (true, v1::WaitFor::Workflow));
        assert_eq!(payload.events[1].wait_for(), v1::WaitFor::Stored);
        let event = &payload.events[0];
        assert_eq!((&*event.id, &*event.r#type, event.time.unwrap().seconds), ("e", "purchase", 852_076_800));
        let properties = event.properties.as_ref().unwrap().to_object().unwrap();
        assert_eq!(Value::Object(properties), json!({"value": 1.5}));
        assert_eq!(payload.events[1].time, None);
    }

    #[test]
    fn what_has_no_name_gets_one_that_stays() {
        let nameless = r#"{"profile_id": "p", "events": [{"type": "x"}]}"#;
        let id = read(nameless).unwrap().unwrap().request_id;
        assert!(id.starts_with("send-"), "{id}");
        assert_eq!(read(nameless).unwrap().unwrap().request_id, id);
        let named = r#"{"profileId": "p", "events": [{"id": "e", "type": "x"}]}"#;
        assert_eq!(read(named).unwrap().unwrap().request_id, "");
    }

    #[test]
    fn what_is_no_payload_is_told_with_its_reason_and_without_its_values() {
        for (line, parts) in [
            (r#"{"events": [{"type": "x", "time": "yesterday"}]}"#, &["events[0].time", "RFC 3339"][..]),
            (
                r#"{"events": [{"type": "x"}], "profil_id": "a@b.c"}"#,
                &["unknown field `profil_id`", "profile_id"],
            ),
            (r#"{"events": "a@b.c"}"#, &["column", "expected a sequence"]),
            (r#"{"events": [{"id": "e"}]}"#, &["missing field `type`"]),
            (
                r#"{"events": [{"type": "x", "wait_for": "soon"}]}"#,
                &["wait_for is one of accepted, workflow"],
            ),
            (r#"{"events": "#, &["the line ends"]),
            (r#"{"events": [,]}"#, &["column 13", "not JSON"]),
            ("a@b.c", &["not a JSON object", "profile_id"]),
            ("[1, 2]", &["not a JSON object"]),
        ] {
            let said = read(line).unwrap_err();
            assert!(parts.iter().all(|part| said.contains(part)), "{line}: {said}");
            assert!(!said.contains("a@b.c") && !said.contains("yesterday"), "{said}");
        }
        assert_eq!(read("  "), Ok(None));
    }
}
