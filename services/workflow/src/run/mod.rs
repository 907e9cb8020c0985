//! An event that is run because somebody asks for it, and waits for what becomes of it.
//!
//! One door and one runner here too: preprocess records the event and waits until the partition's owner has run it, wherever
//! that is (docs/protocol.md §6). A dry run writes nothing: preprocess says what it would make of the event, and the engine
//! runs on that here.

mod answers;
pub(crate) mod asked;
mod dry;
pub(crate) mod error;
pub(crate) mod explain;
mod preprocess;
mod rehearse;
mod stored;

use crate::calls::Calls;
use answers::Answers;
use asked::{Asked, How};
use dry::Rehearsal;
use error::{RunError, in_request};
use rehearse::{Answering, Past};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tributary_config::{Config, Tenant, number_of};
use tributary_model::{EventId, Members, ProfileId, TenantId, partition_of};
use tributary_proto::convert::time_to_wire;
use tributary_proto::v1::preprocess_service_client::PreprocessServiceClient;
use tributary_proto::{convert, v1};
use tributary_runtime::client::MeshChannel;
use tributary_runtime::now;
use tributary_storage::Storage;
use tributary_streams::{Live, Reader, Redis};

/// What reading the profile and answering take of the caller's time, at most a quarter of it.
const OWN_TIME: Duration = Duration::from_millis(500);

/// What runs that are asked for need.
pub(crate) struct Runner {
    pub(crate) redis: Redis,
    pub(crate) reader: Reader<Storage>,
    pub(crate) config: Arc<Live<Config>>,
    pub(crate) preprocess: PreprocessServiceClient<MeshChannel>,
    pub(crate) calls: Arc<Calls>,
    pub(crate) partitions: u16,
}

impl Runner {
    /// Runs the event within the caller's time.
    pub(crate) async fn run(
        &self,
        mut asked: Asked,
        patience: Duration,
    ) -> Result<v1::RunResponse, RunError> {
        let until = Instant::now() + patience.saturating_sub(OWN_TIME.min(patience / 4));
        if let Some(id) = &asked.stored {
            let stored = self.stored(&asked.tenant, id, asked.profile.as_ref()).await?;
            asked.take_over(&stored.event);
        }
        match &asked.how {
            How::Dry { request_id, answers, inline } => {
                let new = || EventId::new(format!("dry-run-{:032x}", rand::random::<u128>()));
                let request_id = request_id.clone().map_or_else(new, Ok).expect("hex digits are an id");
                match inline {
                    Some(fields) => self.rehearse_inline(&asked, &request_id, fields, answers).await,
                    None => self.rehearse(&asked, &request_id, answers, until).await,
                }
            }
            How::Recorded { request_id } => self.record(&asked, request_id, until).await,
        }
    }

    /// What would become of the event: preprocess says what it would append, and under which revision.
    async fn rehearse(
        &self,
        asked: &Asked,
        request_id: &EventId,
        answers: &Answers,
        until: Instant,
    ) -> Result<v1::RunResponse, RunError> {
        let config = self.config.current();
        let source = asked.source(config.tenant(&asked.tenant))?;
        let request = v1::PreviewRequest {
            tenant: asked.tenant.to_string(),
            source: source.to_string(),
            payload: Some(asked.payload(&source, request_id)),
            revision: config.revision.clone(),
            workflow: asked.workflow.clone().unwrap_or_default(),
        };
        let preview = self.preview(request, until).await;
        let named = |error: RunError| error.about(&source, config.tenant(&asked.tenant));
        let rehearsal = Rehearsal::of(preview.map_err(named)?)?;
        let config = self.at(rehearsal.revision()).await?;
        let tenant = config.tenant(&asked.tenant).ok_or_else(RunError::no_source)?;
        has_workflow(tenant, asked)?;
        answers.check(tenant)?;
        let partition = partition_of(&asked.tenant, rehearsal.profile().as_str(), self.partitions);
        let past = Some(Past { calls: &self.calls, partition, entry: None, until });
        Ok(rehearsal.perform(tenant, &Answering { answers, past }, now()).await)
    }

    /// What would become of the event if the profile showed these fields. Nothing is read.
    async fn rehearse_inline(
        &self,
        asked: &Asked,
        request_id: &EventId,
        fields: &Map<String, Value>,
        answers: &Answers,
    ) -> Result<v1::RunResponse, RunError> {
        let config = self.config.current();
        let source = asked.source(config.tenant(&asked.tenant))?;
        let tenant = config.tenant(&asked.tenant).ok_or_else(RunError::no_source)?;
        if !tenant.sources.contains_key(&source) {
            return Err(RunError::unknown_source(&source, Some(tenant)));
        }
        has_workflow(tenant, asked)?;
        answers.check(tenant)?;
        let now = now();
        let event = asked.event(&source, request_id, time_to_wire(now), &config.revision);
        let rehearsal = Rehearsal::inline(event, fields, tenant)?;
        let mut answer = rehearsal.perform(tenant, &Answering { answers, past: None }, now).await;
        if let Some(profile) = answer.profile.as_mut().filter(|_| asked.profile.is_none()) {
            // Nobody has this name.
            profile.id.clear();
        }
        Ok(answer)
    }

    /// The revision that preprocess went by.
    async fn at(&self, revision: &str) -> Result<Arc<Config>, RunError> {
        let found = match number_of(revision) {
            Some(number) => self.config.at(number).await.map_err(tributary_streams::StreamsError::from)?,
            None => None,
        };
        found
            .filter(|config| config.revision == revision)
            .ok_or_else(|| RunError::OtherRevision(revision.to_owned()))
    }

    /// Records the event, or finds it recorded by an earlier attempt; preprocess waits until it is handled.
    async fn record(
        &self,
        asked: &Asked,
        request_id: &EventId,
        until: Instant,
    ) -> Result<v1::RunResponse, RunError> {
        let config = self.config.current();
        let tenant = config.tenant(&asked.tenant);
        let source = asked.source(tenant)?;
        tenant.map_or(Ok(()), |tenant| has_workflow(tenant, asked))?;
        let wait = v1::TrackOptions { wait_for: v1::WaitFor::Workflow.into(), ..v1::TrackOptions::default() };
        let request = v1::ProcessRequest {
            tenant: asked.tenant.to_string(),
            source: source.to_string(),
            payload: Some(v1::TrackRequest { options: Some(wait), ..asked.payload(&source, request_id) }),
            derivation: None,
            revision: config.revision.clone(),
            workflow: asked.workflow.clone().unwrap_or_default(),
            with_runs: true,
        };
        let answer = self.process(request, until).await;
        let mut answer = answer.map_err(|error| error.about(&source, tenant))?;
        let mut event = event_of(&mut answer)?;
        let state = match event.wait() {
            v1::WaitOutcome::Reached => v1::RunState::Handled,
            v1::WaitOutcome::TimedOut => v1::RunState::TimedOut,
            v1::WaitOutcome::Dead => v1::RunState::Dead,
            v1::WaitOutcome::Unspecified => return Err(RunError::Incomplete("how far the event has come")),
        };
        let warnings = warnings(&mut answer, std::mem::take(&mut event.warnings));
        let profile = answer.profile.ok_or(RunError::Incomplete("a profile"))?;
        let profile = ProfileId::new(profile.id).map_err(|_| RunError::Incomplete("a profile id"))?;
        Ok(v1::RunResponse {
            event_id: event.event_id,
            state: state.into(),
            runs: event.runs,
            not_triggered: event.not_triggered,
            profile: Some(self.profile(&asked.tenant, &profile).await?),
            revision: answer.revision,
            warnings,
            response: event.response,
        })
    }

    /// The profile with all that is acknowledged, the run's own changes among it.
    async fn profile(&self, tenant: &TenantId, id: &ProfileId) -> Result<v1::Profile, RunError> {
        let reading = self.reader.read(tenant, id, None).await?;
        let id = reading.profile_id;
        let members = Members::one(id.clone(), reading.profile.version, reading.profile.state);
        let (total, config) = (members.total(), self.config.current());
        let view = match config.tenant(tenant) {
            Some(configured) => total.view_as(&configured.kinds, now()),
            None => total.view(now()),
        };
        Ok(convert::profile_to_wire(tenant, &id, &members, &view))
    }
}

/// The workflow that is to be run has to be there.
fn has_workflow(tenant: &Tenant, asked: &Asked) -> Result<(), RunError> {
    let is_there = |name: &str| tenant.workflows.iter().any(|workflow| workflow.name == name);
    match asked.workflow.as_deref() {
        Some(named) if !is_there(named) => Err(RunError::unknown_workflow(named, tenant)),
        _ => Ok(()),
    }
}

/// What became of the only event of a payload.
fn event_of(answer: &mut v1::TrackResponse) -> Result<v1::EventResult, RunError> {
    let event = answer.events.pop().ok_or(RunError::Incomplete("a result"))?;
    match event.status() {
        v1::EventStatus::Accepted | v1::EventStatus::Duplicate => Ok(event),
        v1::EventStatus::Invalid => Err(RunError::Invalid(event.violations)),
        v1::EventStatus::Unspecified => Err(RunError::Incomplete("a status")),
    }
}

/// Those of the call, then those of its event, told by the fields of the request.
fn warnings(answer: &mut v1::TrackResponse, of_event: Vec<v1::Warning>) -> Vec<v1::Warning> {
    let mut warnings = std::mem::take(&mut answer.warnings);
    warnings.extend(of_event);
    for warning in &mut warnings {
        warning.path = in_request(&warning.path).to_owned();
    }
    warnings
}
