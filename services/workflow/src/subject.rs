//! An event as its workflows meet it, and what they do with it. Pure.

use crate::engine::{Run, RunInput, run_all};
use prost::Message;
use serde_json::{Map, Value};
use tributary_config::{EventView, Tenant};
use tributary_model::{EventId, ProfileId, SessionId, TenantId, Time};
use tributary_proto::convert::time_from_wire;
use tributary_proto::raw::{DocumentError, RawStruct};
use tributary_proto::v1;
use tributary_streams::Reading;

/// A decoded event, with the ids that the stages need.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The event.
    pub message: v1::Event,
    /// Who owns it.
    pub tenant: TenantId,
    /// Its id.
    pub id: EventId,
    /// The profile at which it was accepted.
    pub profile: ProfileId,
    /// The session that it belongs to, if any.
    pub session: Option<SessionId>,
}

impl Subject {
    /// From the data of an entry of `{p}:events`; `None` where it is no event that preprocess wrote.
    #[must_use]
    pub fn decode(data: &[u8]) -> Option<Self> {
        Self::of(v1::Event::decode(data).ok()?)
    }

    /// An event; `None` where it is none that preprocess wrote.
    pub(crate) fn of(message: v1::Event) -> Option<Self> {
        let session = (!message.session_id.is_empty()).then(|| SessionId::new(message.session_id.as_str()));
        Some(Self {
            tenant: TenantId::new(message.tenant.as_str()).ok()?,
            id: EventId::new(message.id.as_str()).ok()?,
            profile: ProfileId::new(message.profile_id.as_str()).ok()?,
            session: session.transpose().ok()?,
            message,
        })
    }

    /// Whether workflows see it at all: not one that does not fit its Schema, nor one that an import recorded.
    #[must_use]
    pub fn takes_part(&self) -> bool {
        !self.message.invalid && !self.message.historical
    }

    /// The runs of the tenant's workflows for this event, on what is known of its profile and session at `now`.
    #[must_use]
    pub fn runs(&self, tenant: &Tenant, known: &Reading, now: Time) -> Vec<Run> {
        if !self.takes_part() {
            return Vec::new();
        }
        let message = &self.message;
        // Admission decoded both before the event was appended.
        let (Ok(properties), Ok(context)) = (object(&message.properties), object(&message.context)) else {
            return Vec::new();
        };
        let time = |time: &Option<prost_types::Timestamp>| {
            time.as_ref().and_then(|time| time_from_wire(time, "time").ok()).unwrap_or(now)
        };
        let input = RunInput {
            event: EventView {
                id: self.id.as_str(),
                event_type: &message.r#type,
                time: time(&message.time),
                received: time(&message.received),
                source: &message.source,
                session_id: self.session.as_ref().map(SessionId::as_str),
                properties: &properties,
                context: &context,
            },
            event_id: &self.id,
            profile: &known.profile.state,
            session: &known.session.total(),
            now,
        };
        run_all(tenant, &input)
    }
}

fn object(document: &Option<RawStruct>) -> Result<Map<String, Value>, DocumentError> {
    document.as_ref().map(RawStruct::to_object).transpose().map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_its_schema_and_what_an_import_recorded_is_for_no_workflow() {
        let ids = v1::Event {
            tenant: "t".to_owned(),
            id: "e".to_owned(),
            profile_id: "p".to_owned(),
            ..v1::Event::default()
        };
        let takes_part = |event: v1::Event| Subject::decode(&event.encode_to_vec()).unwrap().takes_part();
        assert!(takes_part(ids.clone()));
        assert!(!takes_part(v1::Event { invalid: true, ..ids.clone() }));
        assert!(!takes_part(v1::Event { historical: true, ..ids }));
    }
}
