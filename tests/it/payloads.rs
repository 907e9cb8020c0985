//! Payloads as clients make them, and what is read from refusals.

use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tributary_proto::{
    raw::RawStruct,
    v1::{EventInput, TrackRequest},
};

pub(crate) fn event(id: &str, event_type: &str, properties: Value) -> EventInput {
    EventInput {
        id: id.into(),
        r#type: event_type.into(),
        time: None,
        properties: properties.as_object().map(RawStruct::from_object),
        ..EventInput::default()
    }
}

/// A purchase of one CD.
pub(crate) fn purchase(id: &str, value: f64) -> EventInput {
    event(id, "purchase", json!({"cds": 1, "value": value}))
}

/// About a profile that the source may name.
pub(crate) fn about(profile: &str, events: impl IntoIterator<Item = EventInput>) -> TrackRequest {
    TrackRequest {
        profile_id: profile.into(),
        events: events.into_iter().collect(),
        ..TrackRequest::default()
    }
}

/// Of a session whose profile the client does not know.
pub(crate) fn in_session(session: &str, events: impl IntoIterator<Item = EventInput>) -> TrackRequest {
    TrackRequest {
        session_id: session.into(),
        events: events.into_iter().collect(),
        ..TrackRequest::default()
    }
}

/// What a program sees of a refusal: the code, the reason, and the paths that are wrong.
pub(crate) fn refusal(status: &Status) -> (Code, String, Vec<String>) {
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    (status.code(), reason, violations.into_iter().map(|violation| violation.field).collect())
}
