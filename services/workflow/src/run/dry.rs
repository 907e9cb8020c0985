//! What each workflow would do for an event, on a profile as it is. Pure.

use super::asked::Asked;
use super::error::RunError;
use crate::engine::{Run, StepRecord};
use crate::subject::Subject;
use tributary_config::{Config, Tenant};
use tributary_model::{EventId, Members, Time};
use tributary_proto::{convert, v1};
use tributary_streams::Reading;

/// What is asked of whom: ready to be run once the profile is read.
pub(super) struct Rehearsal {
    event: Subject,
    tenant: Tenant,
    revision: String,
}

impl Rehearsal {
    /// Under one revision of the configuration; of `workflow` alone where it is named.
    pub(super) fn of(
        asked: &Asked,
        workflow: Option<&str>,
        config: &Config,
        now: Time,
    ) -> Result<Self, RunError> {
        let tenant = config.tenant(&asked.tenant).ok_or(RunError::UnknownSource)?;
        if !tenant.sources.contains_key(&asked.source) {
            return Err(RunError::UnknownSource);
        }
        let mut tenant = tenant.clone();
        if let Some(name) = workflow {
            tenant.workflows.retain(|workflow| workflow.name == name);
            if tenant.workflows.is_empty() {
                return Err(RunError::UnknownWorkflow);
            }
        }
        // Nothing that follows from it is kept, so that any id will do.
        let id = EventId::new("dry-run").expect("a word is an id");
        let event = Subject {
            message: asked.event(&id, &config.revision, now)?,
            tenant: asked.tenant.clone(),
            id,
            profile: asked.profile.clone(),
            session: asked.session.clone(),
        };
        Ok(Self { event, tenant, revision: config.revision.clone() })
    }

    /// On what is known.
    pub(super) fn perform(self, known: Reading, now: Time) -> v1::RunResponse {
        let runs = self.event.runs(&self.tenant, &known, now);
        let mut state = known.profile.state;
        runs.iter().flat_map(|run| &run.changes).for_each(|change| state.apply(change));
        let members = Members::one(known.profile_id.clone(), known.profile.version, state);
        let view = members.total().view(now);
        let profile = convert::profile_to_wire(&self.event.tenant, &known.profile_id, &members, &view);
        v1::RunResponse {
            event_id: String::new(),
            state: v1::RunState::Dry.into(),
            runs: runs.into_iter().map(run).collect(),
            profile: Some(profile),
            revision: self.revision,
        }
    }
}

fn run(run: Run) -> v1::WorkflowRun {
    v1::WorkflowRun {
        workflow: run.workflow,
        changes: convert::changes_to_wire(&run.changes),
        emits: run.emits.into_iter().map(|emit| emit.event_type).collect(),
        steps: run.steps.into_iter().map(step).collect(),
        failure: run.failure.unwrap_or_default(),
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
mod tests {
    use super::*;
    use tributary_model::{ProfileId, TenantId};
    use tributary_streams::Known;

    const NOW: Time = Time::from_micros(1_700_000_000_000_000);
    const DOCUMENTS: &str = "
kind: Source
name: web
spec: {write_keys: [{env: KEY}]}
---
kind: Fields
name: loyalty
spec: {fields: {loyalty.points: counter, loyalty.last: max}}
---
kind: Workflow
name: points
spec:
  trigger: {events: [purchase]}
  steps:
    - name: count
      when: event.properties.value > 10.0
      then: [{path: loyalty.points, op: increment, value: 5}]
      emit: [{type: became-loyal}]
---
kind: Workflow
name: last
spec:
  trigger: {events: [purchase]}
  steps: [{then: [{path: loyalty.last, op: max, from: time}]}]
";

    fn rehearse(source: &str, workflow: Option<&str>) -> Result<v1::RunResponse, RunError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("all.yaml"), DOCUMENTS).unwrap();
        let config = Config::load(folder.path()).unwrap();
        let properties = serde_json::json!({"value": 20.5});
        let request = v1::RunRequest {
            source: source.into(),
            event_type: "purchase".into(),
            profile_id: "ann".into(),
            properties: properties.as_object().map(tributary_proto::raw::RawStruct::from_object),
            dry_run: true,
            ..v1::RunRequest::default()
        };
        let asked = Asked::of(TenantId::new("default").unwrap(), request)?;
        let known = Reading {
            profile_id: ProfileId::new("ann").unwrap(),
            profile: Known::default(),
            session: Members::default(),
            walked: Vec::new(),
        };
        Ok(Rehearsal::of(&asked, workflow, &config, NOW)?.perform(known, NOW))
    }

    fn names(answer: &v1::RunResponse) -> Vec<&str> {
        answer.runs.iter().map(|run| run.workflow.as_str()).collect()
    }

    #[test]
    fn every_workflow_says_what_it_would_do_and_the_profile_is_as_it_would_be() {
        let answer = rehearse("web", None).unwrap();
        assert_eq!((answer.state(), answer.event_id.as_str()), (v1::RunState::Dry, ""));
        assert_eq!(names(&answer), ["last", "points"]);
        let points = &answer.runs[1];
        assert_eq!(points.emits, ["became-loyal"]);
        assert!(points.steps[0].taken && points.steps[0].name == "count");
        let fields = answer.profile.unwrap().fields.unwrap().to_object().unwrap();
        assert_eq!(fields["loyalty"]["points"], 5);
    }

    #[test]
    fn one_workflow_alone_runs_where_it_is_named() {
        let answer = rehearse("web", Some("points")).unwrap();
        assert_eq!(names(&answer), ["points"]);
        let fields = answer.profile.unwrap().fields.unwrap().to_object().unwrap();
        assert!(fields["loyalty"].get("last").is_none());
        assert!(matches!(rehearse("web", Some("other")), Err(RunError::UnknownWorkflow)));
    }

    #[test]
    fn a_source_of_nobody_is_refused() {
        assert!(matches!(rehearse("shop", None), Err(RunError::UnknownSource)));
    }
}
