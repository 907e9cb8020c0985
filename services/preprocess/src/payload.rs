//! What a payload says, checked: the whole of it, then event by event. Pure.
//!
//! What is wrong with the payload fails the call; what is wrong with one event makes that event INVALID and costs its
//! neighbours nothing.

mod documents;

use crate::error::PayloadError;
use crate::waiting::levels::Asked;
use documents::{Checked, check_document};
use serde_json::{Map, Value};
use tributary_config::WaitFor;
use tributary_model::{EventId, IdKey, MAX_EVENTS, ProfileId, SessionId, SourceName, TenantId, Time};
use tributary_proto::convert::time_from_wire;
use tributary_proto::raw::RawStruct;
use tributary_proto::v1;

/// Bytes of a payload's context: every event and every derived one carries it.
const MAX_CONTEXT: usize = 32 * 1024;

/// Bytes of one event's properties. Readers take events by the page, so this bounds what one read can be.
const MAX_PROPERTIES: usize = 256 * 1024;

/// What the ids of derived events begin with.
const DERIVED_PREFIX: &str = "drv_";

/// A payload that may be processed, with what became of each of its events.
#[derive(Debug)]
pub struct Payload {
    /// The client's id of the call.
    pub request_id: Option<String>,
    /// The profile that the client named.
    pub named_profile: Option<ProfileId>,
    /// The client's session.
    pub session: Option<SessionId>,
    /// Facts about the session.
    pub context: Map<String, Value>,
    /// The same, as it came.
    pub raw_context: Option<RawStruct>,
    /// Recorded after the fact: no workflow runs for its events, and nothing is delivered because of them alone.
    pub historical: bool,
    /// One for each event of the payload, in its order.
    pub events: Vec<Result<AcceptedEvent, RefusedEvent>>,
}

/// An event that is INVALID.
#[derive(Debug, Clone)]
pub struct RefusedEvent {
    /// Its id, if that at least could be kept: the client finds its event by it.
    pub id: Option<EventId>,
    /// Why; at least one.
    pub violations: Vec<v1::Violation>,
}

/// An event that may be appended.
#[derive(Debug, Clone)]
pub struct AcceptedEvent {
    /// The client's id, or one derived from the call's id, or a random one where the source allows that.
    pub id: EventId,
    /// What happened.
    pub event_type: String,
    /// When, never after it was received.
    pub time: Time,
    /// What the client said about it.
    pub properties: Map<String, Value>,
    /// The same, as it came.
    pub raw_properties: Option<RawStruct>,
    /// What the client should know.
    pub warnings: Vec<v1::Warning>,
    /// How far it is to come before its call is answered.
    pub wait_for: WaitFor,
}

/// What a check needs to know beside the payload.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// Who owns the source.
    pub tenant: &'a TenantId,
    /// Where the payload came from.
    pub source: &'a SourceName,
    /// Whether the source may leave out ids.
    pub waive_ids: bool,
    /// What answers wait for where neither the payload nor the event says it.
    pub wait_for: WaitFor,
    /// When the payload was received.
    pub received: Time,
    /// Whether the mesh itself made the event.
    pub is_derived: bool,
    /// Derives ids.
    pub key: &'a IdKey,
    /// Random bits for the ids of events that have none; a retry gets others.
    pub random: u128,
}

/// Checks a payload.
///
/// # Errors
/// No events or too many, an id that is none, a document nested too deep or undecodable, a level that cannot be waited for:
/// the call fails.
pub fn check(request: v1::TrackRequest, at: &Circumstances<'_>) -> Result<Payload, PayloadError> {
    match request.events.len() {
        0 => return Err(PayloadError::NoEvents),
        1..=MAX_EVENTS => {}
        count => return Err(PayloadError::TooManyEvents { count }),
    }
    let request_id = given(request.request_id);
    if let Some(id) = &request_id {
        EventId::new(id.as_str()).map_err(|error| PayloadError::Id { path: "request_id", error })?;
    }
    let named_profile = given(request.profile_id)
        .map(ProfileId::new)
        .transpose()
        .map_err(|error| PayloadError::Id { path: "profile_id", error })?;
    let session = given(request.session_id)
        .map(SessionId::new)
        .transpose()
        .map_err(|error| PayloadError::Id { path: "session_id", error })?;
    let context_bytes = request.context.as_ref().map_or(0, RawStruct::len);
    if context_bytes > MAX_CONTEXT {
        let text = format!(
            "{context_bytes} bytes; a context has at most {MAX_CONTEXT}, since each event carries it"
        );
        return Err(PayloadError::Context(Box::new(violation("context", "CONTEXT_TOO_LARGE", text))));
    }
    let context = match check_document(request.context.as_ref(), "context") {
        Ok(Checked { object, violations }) => match violations.into_iter().next() {
            None => object,
            Some(violation) => return Err(PayloadError::Context(Box::new(violation))),
        },
        Err(fault) => return Err(PayloadError::Document { path: "context".to_owned(), fault }),
    };
    let options = request.options.unwrap_or_default();
    let historical = options.historical;
    let asked = Asked::new(&options, at.wait_for, at.is_derived)?;
    let call = request_id.as_deref();
    let events: Result<Vec<_>, PayloadError> = request
        .events
        .into_iter()
        .enumerate()
        .map(|(index, event)| {
            let wait_for = asked.of_event(index, event.wait_for)?;
            check_event(index, event, call, wait_for, at)
        })
        .collect();
    let raw_context = request.context;
    Ok(Payload { request_id, named_profile, session, context, raw_context, historical, events: events? })
}

fn check_event(
    index: usize,
    input: v1::EventInput,
    request_id: Option<&str>,
    wait_for: WaitFor,
    at: &Circumstances<'_>,
) -> Result<Result<AcceptedEvent, RefusedEvent>, PayloadError> {
    let path = |field: &str| format!("events[{index}].{field}");
    let mut violations = Vec::new();
    let mut warnings = Vec::new();

    let id = match (given(input.id), request_id) {
        (Some(id), _) if id.starts_with(DERIVED_PREFIX) && !at.is_derived => {
            let text = format!("ids that begin with {DERIVED_PREFIX} are the mesh's own; choose another one");
            Err(("RESERVED_ID", text))
        }
        (Some(id), _) => EventId::new(id).map_err(|error| ("INVALID_ID", error.to_string())),
        (None, Some(request_id)) => {
            let ordinal = index.to_string();
            let parts = [at.tenant.as_str(), at.source.as_str(), request_id, &ordinal];
            Ok(EventId::new(at.key.derive("event", &parts)).expect("a hash is an id"))
        }
        (None, None) if at.waive_ids => {
            let text = "an event without id or request_id counts again when it is retried".to_owned();
            warnings.push(warning(v1::WarningCode::NotIdempotent, path("id"), text));
            let random = format!("{:032x}{index:02x}", at.random);
            Ok(EventId::new(random).expect("hex digits are an id"))
        }
        (None, None) => {
            let text =
                "send an id for the event, or a request_id for the call, made before its first attempt";
            Err(("EVENT_ID_REQUIRED", text.to_owned()))
        }
    };
    let id = id.map_err(|(reason, text)| violations.push(violation(path("id"), reason, text))).ok();

    let event_type = input.r#type;
    match EventId::new(event_type.as_str()) {
        Ok(_) => {}
        Err(_) if event_type.is_empty() => {
            violations.push(violation(
                path("type"),
                "EVENT_TYPE_REQUIRED",
                "say what happened, such as purchase",
            ));
        }
        Err(error) => violations.push(violation(path("type"), "INVALID_TYPE", error.to_string())),
    }

    // Events without a time of their own keep the payload's order.
    let arrival = Time::from_micros(at.received.as_micros() + index as i64);
    let time = match input.time.as_ref().map(|time| time_from_wire(time, "time")) {
        None => arrival,
        Some(Ok(time)) if time > at.received => {
            let text = format!("ahead of the clock; taken as the time of receipt, {arrival}");
            warnings.push(warning(v1::WarningCode::TimeClamped, path("time"), text));
            arrival
        }
        Some(Ok(time)) => time,
        Some(Err(_)) => {
            let text = "not a time: seconds within the years 1 to 9999, nanos from 0 to 999999999";
            violations.push(violation(path("time"), "INVALID_TIME", text));
            arrival
        }
    };

    let bytes = input.properties.as_ref().map_or(0, RawStruct::len);
    if bytes > MAX_PROPERTIES {
        let text = format!("{bytes} bytes; the properties of an event have at most {MAX_PROPERTIES}");
        violations.push(violation(path("properties"), "PROPERTIES_TOO_LARGE", text));
        return Ok(Err(RefusedEvent { id, violations }));
    }
    let properties = match check_document(input.properties.as_ref(), &path("properties")) {
        Ok(checked) => {
            violations.extend(checked.violations);
            checked.object
        }
        Err(fault) => return Err(PayloadError::Document { path: path("properties"), fault }),
    };

    Ok(match id {
        Some(id) if violations.is_empty() => {
            let raw_properties = input.properties;
            Ok(AcceptedEvent { id, event_type, time, properties, raw_properties, warnings, wait_for })
        }
        id => Err(RefusedEvent { id, violations }),
    })
}

/// Proto3 cannot tell an empty text from none; neither do we.
fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// A reason for INVALID.
pub fn violation(
    path: impl Into<String>,
    reason: impl Into<String>,
    text: impl Into<String>,
) -> v1::Violation {
    v1::Violation { path: path.into(), description: text.into(), reason: reason.into() }
}

/// Something that the client should know.
pub fn warning(code: v1::WarningCode, path: impl Into<String>, message: impl Into<String>) -> v1::Warning {
    v1::Warning { code: code.into(), path: path.into(), message: message.into() }
}

pub use documents::DocumentFault as Fault;

#[cfg(test)]
mod tests;
