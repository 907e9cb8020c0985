//! What each workflow would do for an event that preprocess has foretold. Pure.

use super::error::RunError;
use super::{event_of, warnings};
use crate::engine::{Run, StepRecord};
use crate::subject::Subject;
use tributary_config::Tenant;
use tributary_model::{Members, ProfileId, TenantId, Time};
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

    /// The revision under which the workflows have to run.
    pub(super) fn revision(&self) -> &str {
        &self.revision
    }

    /// Runs the workflows of `tenant`, or `workflow` alone where it is named: event by event, each on what those before it
    /// changed.
    pub(super) fn perform(
        mut self,
        tenant: &Tenant,
        workflow: Option<&str>,
        now: Time,
    ) -> Result<v1::RunResponse, RunError> {
        let mut tenant = tenant.clone();
        if let Some(name) = workflow {
            tenant.workflows.retain(|workflow| workflow.name == name);
            if tenant.workflows.is_empty() {
                return Err(RunError::UnknownWorkflow);
            }
        }
        let mut all = Vec::new();
        for event in &self.events {
            let runs = event.runs(&tenant, &self.known, now);
            let state = &mut self.known.profile.state;
            runs.iter().flat_map(|run| &run.changes).for_each(|change| state.apply(change));
            all.extend(runs.into_iter().map(|run| told(run, &event.message.r#type)));
        }
        let Reading { profile_id: id, profile, .. } = self.known;
        let members = Members::one(id.clone(), profile.version, profile.state);
        let view = members.total().view_as(&tenant.kinds, now);
        Ok(v1::RunResponse {
            event_id: String::new(),
            state: v1::RunState::Dry.into(),
            runs: all,
            profile: Some(convert::profile_to_wire(&self.tenant, &id, &members, &view)),
            revision: self.revision,
            warnings: self.warnings,
        })
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

fn told(run: Run, event_type: &str) -> v1::WorkflowRun {
    v1::WorkflowRun {
        workflow: run.workflow,
        changes: convert::changes_to_wire(&run.changes),
        emits: run.emits.into_iter().map(|emit| emit.event_type).collect(),
        steps: run.steps.into_iter().map(step).collect(),
        failure: run.failure.unwrap_or_default(),
        event_type: event_type.to_owned(),
    }
}

fn step(step: StepRecord) -> v1::StepRun {
    v1::StepRun {
        name: step.name.unwrap_or_default(),
        taken: step.taken,
        missing: step.missing.unwrap_or_default(),
        refused: step.refused,
    }
}

#[cfg(test)]
mod tests;
