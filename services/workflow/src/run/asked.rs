//! What a request asks for, checked as far as this stage can tell. Pure.

use super::answers::Answers;
use super::error::RunError;
use prost_types::Timestamp;
use serde_json::{Map, Value};
use tributary_config::Tenant;
use tributary_model::{EventId, ProfileId, SessionId, SourceName, TenantId};
use tributary_proto::raw::RawStruct;
use tributary_proto::v1;

/// The type of an event that is none but a run of a workflow.
const WORKFLOW_RUN: &str = "workflow-run";
/// Whom a dry run is about that is given a profile and no name for it.
const NOBODY: &str = "inline";

/// An event that is to be run.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) tenant: TenantId,
    /// May be left open.
    source: Option<SourceName>,
    event_type: Option<String>,
    properties: Option<RawStruct>,
    pub(crate) profile: Option<ProfileId>,
    session: Option<SessionId>,
    time: Option<Timestamp>,
    /// One workflow only; all that the event triggers, where none is named.
    pub(crate) workflow: Option<String>,
    /// The stored event whose type, properties, profile, session and source it takes over, where they are not said anew.
    pub(crate) stored: Option<EventId>,
    pub(crate) how: How,
}

/// How it is to be run.
#[derive(Debug, PartialEq)]
pub(crate) enum How {
    /// Recorded, once for this id of the call.
    Recorded { request_id: EventId },
    /// Nothing is written, and nobody is called. Under the id of a call to come, or under a new one.
    Dry { request_id: Option<EventId>, answers: Answers, inline: Option<Map<String, Value>> },
}

impl Asked {
    pub(crate) fn of(tenant: TenantId, request: v1::RunRequest) -> Result<Self, RunError> {
        let id = |field| move |error| RunError::Id { field, error };
        let request_id = given(request.request_id).map(EventId::new).transpose().map_err(id("request_id"))?;
        let how = match request.dry_run {
            true => How::Dry {
                request_id,
                answers: Answers::of(request.answers)?,
                inline: request.profile.as_ref().map(|fields| object("profile", fields)).transpose()?,
            },
            false if request.answers.is_some() => return Err(RunError::OnlyDry("answers")),
            false if request.profile.is_some() => return Err(RunError::OnlyDry("profile")),
            false => How::Recorded { request_id: request_id.ok_or(RunError::NoRequestId)? },
        };
        let asked = Self {
            tenant,
            source: given(request.source).map(SourceName::new).transpose().map_err(id("source"))?,
            // A type is what an id is: preprocess says the same, and a dry run asks it later than a typist likes to know.
            event_type: given(request.event_type)
                .map(|event_type| EventId::new(event_type).map(|id| id.to_string()))
                .transpose()
                .map_err(RunError::Type)?,
            properties: request.properties,
            profile: given(request.profile_id).map(ProfileId::new).transpose().map_err(id("profile_id"))?,
            session: given(request.session_id).map(SessionId::new).transpose().map_err(id("session_id"))?,
            time: request.time,
            workflow: given(request.workflow),
            stored: given(request.event_id).map(EventId::new).transpose().map_err(id("event_id"))?,
            how,
        };
        asked.checked()
    }

    fn checked(self) -> Result<Self, RunError> {
        if self.event_type.is_none() && self.stored.is_none() && self.workflow.is_none() {
            return Err(RunError::NoType);
        }
        let is_inline = matches!(self.how, How::Dry { inline: Some(_), .. });
        if self.profile.is_none() && self.stored.is_none() && !is_inline {
            return Err(RunError::NoProfile);
        }
        Ok(self)
    }

    /// Takes over what `event` says and the request does not.
    pub(crate) fn take_over(&mut self, event: &v1::Event) {
        let is_its_own = self.profile.as_ref().is_none_or(|profile| profile.as_str() == event.profile_id);
        self.event_type.get_or_insert_with(|| event.r#type.clone());
        if self.properties.is_none() {
            self.properties = event.properties.clone();
        }
        if self.source.is_none() {
            self.source = SourceName::new(event.source.as_str()).ok();
        }
        if self.profile.is_none() {
            self.profile = ProfileId::new(event.profile_id.as_str()).ok();
        }
        // A session belongs to its profile.
        if self.session.is_none() && is_its_own {
            self.session = SessionId::new(event.session_id.as_str()).ok();
        }
    }

    /// The source that it comes from: the one that is named, else the tenant's only one.
    pub(crate) fn source(&self, tenant: Option<&Tenant>) -> Result<SourceName, RunError> {
        if let Some(source) = &self.source {
            return Ok(source.clone());
        }
        let sources: Vec<_> = tenant.into_iter().flat_map(|tenant| tenant.sources.keys()).collect();
        match *sources {
            [only] => Ok(only.clone()),
            [] => Err(RunError::no_source()),
            _ => Err(RunError::WhichSource(sources.into_iter().map(SourceName::to_string).collect())),
        }
    }

    /// As a client would send it. The event's id follows from that of the call.
    pub(crate) fn payload(&self, source: &SourceName, request_id: &EventId) -> v1::TrackRequest {
        let event = v1::EventInput {
            id: String::new(),
            r#type: self.event_type().to_owned(),
            time: self.time,
            properties: self.properties.clone(),
            ..v1::EventInput::default()
        };
        v1::TrackRequest {
            source: source.to_string(),
            request_id: request_id.to_string(),
            profile_id: self.profile_id().to_owned(),
            session_id: self.session.as_ref().map(SessionId::to_string).unwrap_or_default(),
            events: vec![event],
            ..v1::TrackRequest::default()
        }
    }

    /// The event of a dry run that reads nothing: as it would be recorded, if it fits its Schema.
    pub(crate) fn event(
        &self,
        source: &SourceName,
        request_id: &EventId,
        now: Timestamp,
        revision: &str,
    ) -> v1::Event {
        v1::Event {
            tenant: self.tenant.to_string(),
            id: request_id.to_string(),
            r#type: self.event_type().to_owned(),
            source: source.to_string(),
            profile_id: self.profile_id().to_owned(),
            session_id: self.session.as_ref().map(SessionId::to_string).unwrap_or_default(),
            time: Some(self.time.unwrap_or(now)),
            received: Some(now),
            properties: self.properties.clone(),
            revision: revision.to_owned(),
            workflow: self.workflow.clone().unwrap_or_default(),
            ..v1::Event::default()
        }
    }

    /// What is said to have happened.
    pub(super) fn event_type(&self) -> &str {
        self.event_type.as_deref().unwrap_or(WORKFLOW_RUN)
    }

    fn profile_id(&self) -> &str {
        self.profile.as_ref().map_or(NOBODY, ProfileId::as_str)
    }
}

/// The fields of a document of the request.
pub(super) fn object(field: &'static str, document: &RawStruct) -> Result<Map<String, Value>, RunError> {
    document.to_object().map_err(|error| RunError::Document { field, error })
}

/// Proto3 cannot tell an empty text from none; neither do we.
fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
