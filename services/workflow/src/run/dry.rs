//! What each workflow would do for an event that preprocess has foretold. Pure.

use super::error::RunError;
use super::rehearse::{Answering, rehearse};
use super::{event_of, warnings};
use crate::subject::Subject;
use serde_json::{Map, Value};
use tributary_config::{Tenant, changes_showing};
use tributary_model::{Members, ProfileId, State, StreamId, TenantId, Time};
use tributary_proto::raw::RawStruct;
use tributary_proto::{convert, v1};
use tributary_streams::{Known, Reading};

/// Events as they would be appended, and what would be known then.
pub(super) struct Rehearsal {
    tenant: TenantId,
    events: Vec<Subject>,
    known: Reading,
    revision: String,
    warnings: Vec<v1::Warning>,
}

impl Rehearsal {
    /// Of the only event of a payload, and of what the mesh makes along with it.
    pub(super) fn of(preview: v1::PreviewResponse) -> Result<Self, RunError> {
        let mut answer = preview.answer.ok_or(RunError::Incomplete("an answer"))?;
        let event = event_of(&mut answer)?;
        let warnings = warnings(&mut answer, event.warnings);
        let profile = answer.profile.ok_or(RunError::Incomplete("a profile"))?;
        let events: Option<Vec<Subject>> = preview.events.into_iter().map(Subject::of).collect();
        Ok(Self {
            tenant: TenantId::new(profile.tenant.as_str()).map_err(|_| RunError::Incomplete("a tenant"))?,
            events: events.ok_or(RunError::Incomplete("its events"))?,
            known: known(&profile, answer.session.as_ref())?,
            revision: answer.revision,
            warnings,
        })
    }

    /// Of an event that is recorded nowhere, for a profile that shows these fields and has no session.
    ///
    /// # Errors
    /// A field that no profile of the tenant could show.
    pub(super) fn inline(
        event: v1::Event,
        fields: &Map<String, Value>,
        tenant: &Tenant,
    ) -> Result<Self, RunError> {
        let event = Subject::of(event).ok_or(RunError::Incomplete("an event"))?;
        let (changes, wrong) = changes_showing(fields, &tenant.kinds);
        if !wrong.is_empty() {
            return Err(RunError::Inline(wrong));
        }
        let known = Reading {
            profile: Known { version: StreamId::default(), state: State::fold(&changes) },
            session: Members::default(),
            walked: vec![event.profile.clone()],
            profile_id: event.profile.clone(),
        };
        Ok(Self {
            tenant: event.tenant.clone(),
            revision: event.message.revision.clone(),
            events: vec![event],
            known,
            warnings: Vec::new(),
        })
    }

    /// Whom it is about.
    pub(super) fn profile(&self) -> &ProfileId {
        &self.known.profile_id
    }

    /// The revision under which the workflows have to run.
    pub(super) fn revision(&self) -> &str {
        &self.revision
    }

    /// Runs the workflows of `tenant`: event by event, each on what those before it changed.
    pub(super) async fn perform(
        mut self,
        tenant: &Tenant,
        answering: &Answering<'_>,
        now: Time,
    ) -> v1::RunResponse {
        let (mut all, mut not_triggered) = (Vec::new(), Vec::new());
        let mut response = Map::new();
        for event in &self.events {
            let rehearsed = rehearse(event, tenant, &mut self.known, answering, now).await;
            all.extend(rehearsed.runs);
            not_triggered.extend(rehearsed.not_triggered);
            // What the mesh makes along has an answer of its own, which nobody is told.
            if event.message.derivation.is_none() {
                response = rehearsed.response;
            }
        }
        let Reading { profile_id: id, profile, .. } = self.known;
        let members = Members::one(id.clone(), profile.version, profile.state);
        let view = members.total().view_as(&tenant.kinds, now);
        v1::RunResponse {
            event_id: String::new(),
            state: v1::RunState::Dry.into(),
            runs: all,
            not_triggered,
            profile: Some(convert::profile_to_wire(&self.tenant, &id, &members, &view)),
            revision: self.revision,
            warnings: self.warnings,
            response: (!response.is_empty()).then(|| RawStruct::from_object(&response)),
        }
    }
}

/// What the workflows would read.
fn known(profile: &v1::Profile, session: Option<&v1::Session>) -> Result<Reading, RunError> {
    let unreadable = |_| RunError::Incomplete("a profile that can be read");
    let id = ProfileId::new(profile.id.as_str()).map_err(|_| RunError::Incomplete("a profile id"))?;
    let members = convert::members_from_wire(&profile.members).map_err(unreadable)?;
    let (version, state) = members.get(&id).ok_or(RunError::Incomplete("the profile's state"))?;
    let mut reading = Reading {
        profile: Known { version, state: state.clone() },
        session: Members::default(),
        walked: vec![id.clone()],
        profile_id: id,
    };
    if let Some(session) = session {
        // What the session recorded at the profile that it is bound to is in the answer; workflows that run at another one
        // do not read it.
        let elsewhere = (session.profile_id != profile.id).then_some(session.profile_id.as_str());
        let members = convert::members_from_wire(&session.members).map_err(unreadable)?;
        for (origin, version, state) in
            members.iter().filter(|(origin, ..)| elsewhere != Some(origin.as_str()))
        {
            reading.session.insert(origin.clone(), version, state.clone());
        }
    }
    Ok(reading)
}

#[cfg(test)]
mod tests;
