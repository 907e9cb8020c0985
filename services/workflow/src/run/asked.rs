//! What a request asks for, checked as far as this stage can tell. Pure.

use super::error::RunError;
use prost_types::Timestamp;
use tributary_model::{EventId, ProfileId, SessionId, SourceName, TenantId, Time};
use tributary_proto::convert::{time_from_wire, time_to_wire};
use tributary_proto::raw::RawStruct;
use tributary_proto::v1;

/// An event that is to be run.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) tenant: TenantId,
    pub(crate) source: SourceName,
    pub(crate) event_type: String,
    pub(crate) properties: Option<RawStruct>,
    pub(crate) profile: ProfileId,
    pub(crate) session: Option<SessionId>,
    time: Option<Timestamp>,
    pub(crate) how: How,
}

/// How it is to be run.
#[derive(Debug, PartialEq)]
pub(crate) enum How {
    /// Recorded, once for this id of the call.
    Recorded { request_id: EventId },
    /// Nothing is written. Of one workflow only, or of all.
    Dry { workflow: Option<String> },
}

impl Asked {
    pub(crate) fn of(tenant: TenantId, request: v1::RunRequest) -> Result<Self, RunError> {
        let id = |field| move |error| RunError::Id { field, error };
        let how = if request.dry_run {
            How::Dry { workflow: given(request.workflow) }
        } else if request.request_id.is_empty() {
            return Err(RunError::NoRequestId);
        } else {
            How::Recorded { request_id: EventId::new(request.request_id).map_err(id("request_id"))? }
        };
        if request.event_type.is_empty() {
            return Err(RunError::NoType);
        }
        Ok(Self {
            tenant,
            source: SourceName::new(request.source).map_err(id("source"))?,
            event_type: EventId::new(request.event_type).map_err(id("event_type"))?.to_string(),
            properties: request.properties,
            profile: ProfileId::new(request.profile_id).map_err(id("profile_id"))?,
            session: given(request.session_id).map(SessionId::new).transpose().map_err(id("session_id"))?,
            time: request.time,
            how,
        })
    }

    /// As a client would send it. The event's id follows from that of the call.
    pub(crate) fn payload(self, request_id: &EventId) -> v1::TrackRequest {
        let event = v1::EventInput {
            id: String::new(),
            r#type: self.event_type,
            time: self.time,
            properties: self.properties,
        };
        v1::TrackRequest {
            source: self.source.to_string(),
            request_id: request_id.to_string(),
            profile_id: self.profile.to_string(),
            session_id: self.session.map(|session| session.to_string()).unwrap_or_default(),
            events: vec![event],
            ..v1::TrackRequest::default()
        }
    }

    /// As it would lie on the stream if it were recorded at `now`.
    pub(crate) fn event(&self, id: &EventId, revision: &str, now: Time) -> Result<v1::Event, RunError> {
        if let Some(properties) = &self.properties {
            properties.to_object().map_err(RunError::Properties)?;
        }
        let time = self.time.as_ref().map(|time| time_from_wire(time, "time")).transpose();
        let time = time.map_err(|_| RunError::Time)?.map_or(now, |time| time.min(now));
        Ok(v1::Event {
            tenant: self.tenant.to_string(),
            id: id.to_string(),
            r#type: self.event_type.clone(),
            source: self.source.to_string(),
            profile_id: self.profile.to_string(),
            session_id: self.session.as_ref().map(SessionId::to_string).unwrap_or_default(),
            time: Some(time_to_wire(time)),
            received: Some(time_to_wire(now)),
            properties: self.properties.clone(),
            revision: revision.to_owned(),
            ..v1::Event::default()
        })
    }
}

/// Proto3 cannot tell an empty text from none; neither do we.
fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_runtime::ServiceError;

    fn request() -> v1::RunRequest {
        v1::RunRequest {
            request_id: "call-1".into(),
            source: "website".into(),
            event_type: "purchase".into(),
            profile_id: "ann".into(),
            ..v1::RunRequest::default()
        }
    }

    fn asked(request: v1::RunRequest) -> Result<Asked, RunError> {
        Asked::of(TenantId::new("demo").unwrap(), request)
    }

    #[test]
    fn a_recorded_run_becomes_the_payload_of_one_event_named_by_its_call() {
        let asked = asked(v1::RunRequest { session_id: "s".into(), ..request() }).unwrap();
        let call = EventId::new("call-1").unwrap();
        assert_eq!(asked.how, How::Recorded { request_id: call.clone() });
        let payload = asked.payload(&call);
        assert_eq!((payload.request_id.as_str(), payload.session_id.as_str()), ("call-1", "s"));
        assert_eq!((payload.events.len(), payload.events[0].id.as_str()), (1, ""));
    }

    #[test]
    fn what_is_missing_is_named() {
        let long = "x".repeat(129);
        for (request, reason, path) in [
            (v1::RunRequest { request_id: String::new(), ..request() }, "REQUEST_ID_REQUIRED", "request_id"),
            (v1::RunRequest { request_id: long, ..request() }, "INVALID_ID", "request_id"),
            (v1::RunRequest { event_type: String::new(), ..request() }, "EVENT_TYPE_REQUIRED", "event_type"),
            (v1::RunRequest { profile_id: String::new(), ..request() }, "INVALID_ID", "profile_id"),
            (v1::RunRequest { source: String::new(), ..request() }, "INVALID_ID", "source"),
        ] {
            let problem = asked(request).unwrap_err().problem();
            assert_eq!((problem.reason, problem.violations[0].0.as_str()), (reason, path));
        }
    }

    #[test]
    fn a_dry_run_needs_no_id_and_happens_now_at_the_latest() {
        let now = Time::from_micros(1_700_000_000_000_000);
        let id = EventId::new("dry").unwrap();
        let at = |time| {
            let request = v1::RunRequest { request_id: String::new(), dry_run: true, time, ..request() };
            let event = asked(request).unwrap().event(&id, "1-x", now);
            event.map(|event| event.time.unwrap().seconds).map_err(|error| error.problem().reason)
        };
        let seconds = |seconds| Some(Timestamp { seconds, nanos: 0 });
        assert_eq!(at(None), Ok(1_700_000_000));
        assert_eq!(at(seconds(5)), Ok(5));
        assert_eq!(at(seconds(1_800_000_000)), Ok(1_700_000_000));
        assert_eq!(at(Some(Timestamp { seconds: 0, nanos: -1 })), Err("INVALID_TIME"));
    }
}
