//! An event as its workflows meet it, and what they do with it. Pure.

use prost::Message as _;
use serde_json::{Map, Value};
use tributary_config::{EventView, Tenant, Workflow};
use tributary_engine::{Ground, Handling, PausedRun};
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

/// The documents of an event, decoded.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    properties: Map<String, Value>,
    context: Map<String, Value>,
}

impl Subject {
    /// From the data of an entry of `{p}:events`; `None` where it is no event that preprocess wrote.
    #[must_use]
    pub fn decode(data: &[u8]) -> Option<Self> {
        Self::of(v1::Event::decode(data).ok()?)
    }

    /// An event; `None` where it is none that preprocess wrote.
    #[must_use]
    pub fn of(message: v1::Event) -> Option<Self> {
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

    /// Whether runs that wait for an event may take it for theirs: not one that was recorded to run one workflow alone.
    #[must_use]
    pub fn resumes(&self) -> bool {
        self.takes_part() && self.message.workflow.is_empty()
    }

    /// Whether it may concern a workflow of the tenant, as far as that can be told without looking into it.
    #[must_use]
    pub fn concerns(&self, tenant: &Tenant) -> bool {
        self.takes_part() && tenant.workflows.iter().any(|workflow| self.is_for(workflow))
    }

    /// Its documents; `None` where they are none, which admission rules out before an event is appended.
    #[must_use]
    pub fn documents(&self) -> Option<Documents> {
        let properties = object(&self.message.properties).ok()?;
        let context = object(&self.message.context).ok()?;
        Some(Documents { properties, context })
    }

    /// As workflows see it.
    #[must_use]
    pub fn view<'a>(&'a self, documents: &'a Documents) -> EventView<'a> {
        let message = &self.message;
        let received = time(&message.received).unwrap_or(Time::from_micros(0));
        EventView {
            id: self.id.as_str(),
            event_type: &message.r#type,
            time: time(&message.time).unwrap_or(received),
            received,
            source: &message.source,
            session_id: self.session.as_ref().map(SessionId::as_str),
            properties: &documents.properties,
            context: &documents.context,
        }
    }

    /// Begins to handle it, on what is known of its profile and session at `now`: the runs that `waiting` holds, which wait for
    /// its type, then the workflows of `tenant` that it is for. `paused` is how many runs of the profile are paused in all.
    /// With `details` the record says what nodes saw.
    #[must_use]
    #[allow(
        clippy::too_many_arguments,
        reason = "each is one thing that a handling needs, and only this begins one"
    )]
    pub fn begin<'a>(
        &'a self,
        documents: &'a Documents,
        tenant: &'a Tenant,
        known: &Reading,
        waiting: Vec<PausedRun<'a>>,
        paused: usize,
        now: Time,
        details: bool,
    ) -> Handling<'a> {
        let event = self.view(documents);
        let means = |workflow: &&Workflow| match self.message.workflow.as_str() {
            "" => workflow.means(&event),
            only => workflow.name == only,
        };
        let for_it = tenant.workflows.iter().filter(|_| self.takes_part()).filter(means);
        let waiting = if self.resumes() { waiting } else { Vec::new() };
        let ground = ground(tenant, &self.profile, known, now, details);
        Handling::of_event(
            ground,
            self.id.clone(),
            event,
            waiting,
            for_it.map(Workflow::triggered).collect(),
            paused,
        )
    }

    fn is_for(&self, workflow: &Workflow) -> bool {
        match self.message.workflow.as_str() {
            "" => workflow.trigger.events.matches(&self.message.r#type),
            only => workflow.name == only,
        }
    }
}

/// What is known when something of `profile` is handled.
#[must_use]
pub fn ground<'a>(
    tenant: &'a Tenant,
    profile: &'a ProfileId,
    known: &Reading,
    now: Time,
    details: bool,
) -> Ground<'a> {
    Ground {
        kinds: &tenant.kinds,
        profile_id: profile,
        profile: known.profile.state.clone(),
        session: known.session.total(),
        now,
        details,
    }
}

fn object(document: &Option<RawStruct>) -> Result<Map<String, Value>, DocumentError> {
    document.as_ref().map(RawStruct::to_object).transpose().map(Option::unwrap_or_default)
}

fn time(time: &Option<prost_types::Timestamp>) -> Option<Time> {
    time.as_ref().and_then(|time| time_from_wire(time, "time").ok())
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
