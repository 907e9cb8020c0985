//! What a request asks for, checked as far as this stage can tell. Pure.

use super::error::RunError;
use prost_types::Timestamp;
use tributary_config::Tenant;
use tributary_model::{EventId, ProfileId, SessionId, SourceName, TenantId};
use tributary_proto::raw::RawStruct;
use tributary_proto::v1;

/// An event that is to be run.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) tenant: TenantId,
    /// A dry run may leave it open.
    source: Option<SourceName>,
    event_type: String,
    properties: Option<RawStruct>,
    profile: ProfileId,
    session: Option<SessionId>,
    time: Option<Timestamp>,
    pub(crate) how: How,
}

/// How it is to be run.
#[derive(Debug, PartialEq)]
pub(crate) enum How {
    /// Recorded, once for this id of the call.
    Recorded { request_id: EventId },
    /// Nothing is written. Of one workflow only, or of all. Under the id of a call to come, or under a new one.
    Dry { request_id: Option<EventId>, workflow: Option<String> },
}

impl Asked {
    pub(crate) fn of(tenant: TenantId, request: v1::RunRequest) -> Result<Self, RunError> {
        let id = |field| move |error| RunError::Id { field, error };
        let request_id = given(request.request_id).map(EventId::new).transpose().map_err(id("request_id"))?;
        let how = if request.dry_run {
            How::Dry { request_id, workflow: given(request.workflow) }
        } else {
            How::Recorded { request_id: request_id.ok_or(RunError::NoRequestId)? }
        };
        let source = match (&how, given(request.source)) {
            (How::Dry { .. }, None) => None,
            (_, source) => Some(SourceName::new(source.unwrap_or_default()).map_err(id("source"))?),
        };
        if request.event_type.is_empty() {
            return Err(RunError::NoType);
        }
        Ok(Self {
            tenant,
            source,
            // A type is what an id is: preprocess says the same, and a dry run asks it later than a typist likes to know.
            event_type: EventId::new(request.event_type).map_err(RunError::Type)?.to_string(),
            properties: request.properties,
            profile: ProfileId::new(request.profile_id).map_err(id("profile_id"))?,
            session: given(request.session_id).map(SessionId::new).transpose().map_err(id("session_id"))?,
            time: request.time,
            how,
        })
    }

    /// The source that it comes from: the one that is named, else the tenant's only one.
    pub(crate) fn source(&self, tenant: Option<&Tenant>) -> Result<SourceName, RunError> {
        if let Some(source) = &self.source {
            return Ok(source.clone());
        }
        let sources: Vec<_> = tenant.into_iter().flat_map(|tenant| tenant.sources.keys()).collect();
        match *sources {
            [only] => Ok(only.clone()),
            [] => Err(RunError::UnknownSource),
            _ => Err(RunError::WhichSource(sources.into_iter().map(SourceName::to_string).collect())),
        }
    }

    /// As a client would send it. The event's id follows from that of the call.
    pub(crate) fn payload(self, source: &SourceName, request_id: &EventId) -> v1::TrackRequest {
        let event = v1::EventInput {
            id: String::new(),
            r#type: self.event_type,
            time: self.time,
            properties: self.properties,
        };
        v1::TrackRequest {
            source: source.to_string(),
            request_id: request_id.to_string(),
            profile_id: self.profile.to_string(),
            session_id: self.session.map(|session| session.to_string()).unwrap_or_default(),
            events: vec![event],
            ..v1::TrackRequest::default()
        }
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
        let source = asked.source(None).unwrap();
        let payload = asked.payload(&source, &call);
        assert_eq!((payload.request_id.as_str(), payload.session_id.as_str()), ("call-1", "s"));
        assert_eq!((payload.events.len(), payload.events[0].id.as_str()), (1, ""));
    }

    #[test]
    fn what_is_missing_is_named() {
        let long = "x".repeat(129);
        for (request, reason, path) in [
            (v1::RunRequest { request_id: String::new(), ..request() }, "REQUEST_ID_REQUIRED", "request_id"),
            (v1::RunRequest { request_id: long.clone(), ..request() }, "INVALID_ID", "request_id"),
            (v1::RunRequest { event_type: long, ..request() }, "INVALID_TYPE", "event_type"),
            (v1::RunRequest { event_type: "a\nb".into(), ..request() }, "INVALID_TYPE", "event_type"),
            (v1::RunRequest { event_type: String::new(), ..request() }, "EVENT_TYPE_REQUIRED", "event_type"),
            (v1::RunRequest { profile_id: String::new(), ..request() }, "INVALID_ID", "profile_id"),
            (v1::RunRequest { source: String::new(), ..request() }, "INVALID_ID", "source"),
        ] {
            let problem = asked(request).unwrap_err().problem();
            assert_eq!((problem.reason, problem.violations[0].0.as_str()), (reason, path));
        }
    }

    #[test]
    fn a_dry_run_needs_no_id_and_no_source_where_there_is_only_one() {
        let open = v1::RunRequest { request_id: String::new(), source: String::new(), ..request() };
        let dry = asked(v1::RunRequest { dry_run: true, ..open }).unwrap();
        assert_eq!(dry.how, How::Dry { request_id: None, workflow: None });
        let tenant = |sources: &[&str]| {
            let document =
                |name| format!("kind: Source\nname: {name}\nspec: {{write_keys: [{{env: {name}}}]}}\n");
            let text: Vec<String> = sources.iter().map(document).collect();
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("all.yaml"), text.join("---\n")).unwrap();
            tributary_config::Config::load(folder.path()).unwrap()
        };
        let source = |sources: &[&str]| {
            let config = tenant(sources);
            let source = dry.source(config.tenant(&TenantId::new("default").unwrap()));
            source.map(|source| source.to_string()).map_err(|error| error.problem())
        };
        assert_eq!(source(&["till"]).unwrap(), "till");
        let which = source(&["till", "web"]).unwrap_err();
        assert_eq!((which.reason, which.violations[0].0.as_str()), ("SOURCE_REQUIRED", "source"));
        assert!(which.violations[0].1.contains("till, web"), "{:?}", which.violations);
        assert_eq!(dry.source(None).unwrap_err().problem().reason, "SOURCE_UNKNOWN");
    }
}
