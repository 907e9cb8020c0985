//! Events between the stream, the table and the answer; and the clock.

use prost::Message as _;
use tributary_model::{EventId, ProfileId, SessionId, SourceName, StreamId, TenantId, Time};
use tributary_proto::{convert, raw::RawStruct, v1};
use tributary_storage::EventRow;

/// Why an entry cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(pub(crate) String);

impl Unreadable {
    pub(crate) fn because(reason: impl std::fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

/// The clock. Everything below takes the time as an argument.
pub(crate) fn now() -> Time {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
}

/// An entry of `{p}:events` as a row.
pub(crate) fn event_row(entry: StreamId, data: &[u8]) -> Result<EventRow, Unreadable> {
    let event = v1::Event::decode(data).map_err(|_| Unreadable::because("the entry is not an Event"))?;
    let derivation = event.derivation.as_ref();
    Ok(EventRow {
        tenant: TenantId::new(event.tenant).map_err(Unreadable::because)?,
        id: EventId::new(event.id).map_err(Unreadable::because)?,
        event_type: event.r#type,
        source: SourceName::new(event.source).map_err(Unreadable::because)?,
        profile_id: ProfileId::new(event.profile_id).map_err(Unreadable::because)?,
        session_id: optional(event.session_id, SessionId::new)?,
        time: time(event.time.as_ref(), "time")?,
        received: time(event.received.as_ref(), "received")?,
        properties: document(event.properties.as_ref())?,
        context: document(event.context.as_ref())?,
        revision: event.revision,
        request_id: event.request_id,
        cause: optional(derivation.map(|d| d.cause_event_id.clone()).unwrap_or_default(), EventId::new)?,
        depth: derivation.map(|d| d.depth).unwrap_or_default(),
        problems: event.problems,
        invalid: event.invalid,
        historical: event.historical,
        workflow: event.workflow,
        entry,
    })
}

/// A row as it was on the stream.
pub(crate) fn event(row: &EventRow) -> v1::Event {
    let document =
        |object: &serde_json::Map<_, _>| (!object.is_empty()).then(|| RawStruct::from_object(object));
    v1::Event {
        tenant: row.tenant.to_string(),
        id: row.id.to_string(),
        r#type: row.event_type.clone(),
        source: row.source.to_string(),
        profile_id: row.profile_id.to_string(),
        session_id: row.session_id.as_ref().map(SessionId::to_string).unwrap_or_default(),
        time: Some(convert::time_to_wire(row.time)),
        received: Some(convert::time_to_wire(row.received)),
        properties: document(&row.properties),
        context: document(&row.context),
        revision: row.revision.clone(),
        request_id: row.request_id.clone(),
        derivation: row
            .cause
            .as_ref()
            .map(|cause| v1::Derivation { cause_event_id: cause.to_string(), depth: row.depth }),
        problems: row.problems.clone(),
        invalid: row.invalid,
        historical: row.historical,
        workflow: row.workflow.clone(),
    }
}

/// A time that must be there.
pub(crate) fn time(
    timestamp: Option<&prost_types::Timestamp>,
    field: &'static str,
) -> Result<Time, Unreadable> {
    let timestamp = timestamp.ok_or_else(|| Unreadable(format!("`{field}` is missing")))?;
    convert::time_from_wire(timestamp, field).map_err(Unreadable::because)
}

fn document(fields: Option<&RawStruct>) -> Result<serde_json::Map<String, serde_json::Value>, Unreadable> {
    fields.map(RawStruct::to_object).transpose().map(Option::unwrap_or_default).map_err(Unreadable::because)
}

fn optional<T, E: std::fmt::Display>(
    id: String,
    new: fn(String) -> Result<T, E>,
) -> Result<Option<T>, Unreadable> {
    if id.is_empty() { Ok(None) } else { new(id).map(Some).map_err(Unreadable::because) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> v1::Event {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 1000 });
        v1::Event {
            tenant: "demo".into(),
            id: "e1".into(),
            r#type: "purchase".into(),
            source: "website".into(),
            profile_id: "p1".into(),
            session_id: "s1".into(),
            time: at(5),
            received: at(6),
            properties: serde_json::json!({"a": [1, null]}).as_object().map(RawStruct::from_object),
            context: None,
            revision: "r".into(),
            derivation: Some(v1::Derivation { cause_event_id: "e0".into(), depth: 2 }),
            request_id: "q".into(),
            problems: vec![v1::EventProblem {
                document: "Mapping purchase".into(),
                path: "purchases.total".into(),
                reason: "NOT_A_NUMBER".into(),
                description: "takes a number".into(),
            }],
            invalid: true,
            historical: true,
            workflow: "welcome".into(),
        }
    }

    #[test]
    fn an_event_comes_back_from_its_row_as_it_was() {
        let event = sample();
        let row = event_row(StreamId::new(7, 1), &event.encode_to_vec()).unwrap();
        assert_eq!(super::event(&row), event);
        assert_eq!(row.entry, StreamId::new(7, 1));
    }

    #[test]
    fn an_event_that_cannot_be_read_says_why_and_not_what() {
        let broken = v1::Event { profile_id: String::new(), ..sample() };
        let reason = event_row(StreamId::default(), &broken.encode_to_vec()).unwrap_err().to_string();
        assert!(!reason.contains("e1"), "{reason}");
        let broken = v1::Event { received: None, ..sample() };
        assert!(event_row(StreamId::default(), &broken.encode_to_vec()).is_err());
        assert!(event_row(StreamId::default(), b"\xff\xff").is_err());
    }
}
