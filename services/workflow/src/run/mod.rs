//! An event that is run because somebody asks for it, and waits for what becomes of it.
//!
//! One door and one runner here too: preprocess records the event, the partition's owner runs it, wherever it is, and this
//! process finds its end in Redis (docs/protocol.md §6). A dry run writes nothing: preprocess says what it would make of the
//! event, and the engine runs on that here.

pub(crate) mod asked;
mod dry;
pub(crate) mod error;
mod preprocess;

use asked::{Asked, How};
use dry::Rehearsal;
use error::{RunError, in_request};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_config::{Config, number_of};
use tributary_model::{EventId, Members, ProfileId, TenantId, partition_of};
use tributary_proto::v1::preprocess_service_client::PreprocessServiceClient;
use tributary_proto::{convert, v1};
use tributary_runtime::client::MeshChannel;
use tributary_runtime::now;
use tributary_storage::Storage;
use tributary_streams::{Ending, Live, Progress, Reader, Redis};

/// Between two looks at an event: first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(50));
/// What reading the profile and answering take of the caller's time, at most a quarter of it.
const OWN_TIME: Duration = Duration::from_millis(500);

/// What runs that are asked for need.
pub(crate) struct Runner {
    pub(crate) redis: Redis,
    pub(crate) reader: Reader<Storage>,
    pub(crate) config: Arc<Live<Config>>,
    pub(crate) preprocess: PreprocessServiceClient<MeshChannel>,
    pub(crate) partitions: u16,
    pub(crate) stopping: CancellationToken,
}

impl Runner {
    /// Runs the event within the caller's time.
    pub(crate) async fn run(&self, asked: Asked, patience: Duration) -> Result<v1::RunResponse, RunError> {
        match &asked.how {
            How::Dry { request_id, workflow } => {
                let new = || EventId::new(format!("dry-run-{:032x}", rand::random::<u128>()));
                let request_id = request_id.clone().map_or_else(new, Ok).expect("hex digits are an id");
                let workflow = workflow.clone();
                self.rehearse(asked, &request_id, workflow.as_deref(), patience).await
            }
            How::Recorded { request_id } => {
                let request_id = request_id.clone();
                let own = OWN_TIME.min(patience / 4);
                self.record(asked, &request_id, Instant::now() + patience.saturating_sub(own)).await
            }
        }
    }

    /// What would become of the event: preprocess says what it would append, and under which revision.
    async fn rehearse(
        &self,
        asked: Asked,
        request_id: &EventId,
        workflow: Option<&str>,
        patience: Duration,
    ) -> Result<v1::RunResponse, RunError> {
        let config = self.config.current();
        let tenant = asked.tenant.clone();
        let source = asked.source(config.tenant(&tenant))?;
        let payload = asked.payload(&source, request_id);
        let left = patience.saturating_sub(OWN_TIME.min(patience / 4));
        let preview = self.preview(&tenant, payload, config.revision.clone(), left).await?;
        let rehearsal = Rehearsal::of(preview)?;
        let config = self.at(rehearsal.revision()).await?;
        rehearsal.perform(config.tenant(&tenant).ok_or(RunError::UnknownSource)?, workflow, now())
    }

    /// The revision that preprocess went by.
    async fn at(&self, revision: &str) -> Result<Arc<Config>, RunError> {
        let found = match number_of(revision) {
            Some(number) => self.config.at(number).await?,
            None => None,
        };
        found
            .filter(|config| config.revision == revision)
            .ok_or_else(|| RunError::OtherRevision(revision.to_owned()))
    }

    /// Records the event, or finds it recorded by an earlier attempt, and waits until it is handled.
    async fn record(
        &self,
        asked: Asked,
        request_id: &EventId,
        until: Instant,
    ) -> Result<v1::RunResponse, RunError> {
        let config = self.config.current();
        let tenant = asked.tenant.clone();
        let source = asked.source(config.tenant(&tenant))?;
        let payload = asked.payload(&source, request_id);
        let left = until.saturating_duration_since(Instant::now());
        let mut answer = self.process(&tenant, payload, config.revision.clone(), left).await?;
        let event = event_of(&mut answer)?;
        let warnings = warnings(&mut answer, event.warnings);
        let event = EventId::new(event.event_id).map_err(|_| RunError::Incomplete("an event id"))?;
        let profile = answer.profile.ok_or(RunError::Incomplete("a profile"))?;
        let profile = ProfileId::new(profile.id).map_err(|_| RunError::Incomplete("a profile id"))?;
        let state = self.wait(&tenant, &profile, &event, until).await?;
        Ok(v1::RunResponse {
            event_id: event.to_string(),
            state: state.into(),
            runs: Vec::new(),
            profile: Some(self.profile(&tenant, &profile).await?),
            revision: answer.revision,
            warnings,
        })
    }

    /// Looks for the event's end until it is there or the time is over.
    async fn wait(
        &self,
        tenant: &TenantId,
        profile: &ProfileId,
        event: &EventId,
        until: Instant,
    ) -> Result<v1::RunState, RunError> {
        let p = partition_of(tenant, profile.as_str(), self.partitions);
        let (mut pause, longest) = PAUSES;
        loop {
            match self.redis.progress(p, tenant, event).await? {
                Progress::Ended(Ending::Done) => return Ok(v1::RunState::Handled),
                Progress::Ended(Ending::Dead) => return Ok(v1::RunState::Dead),
                // What was accepted a moment ago is remembered; if not, nobody can say what became of it.
                Progress::Waiting | Progress::Unknown => {}
            }
            if Instant::now() >= until {
                return Ok(v1::RunState::TimedOut);
            }
            let next = tokio::time::sleep_until(until.min(Instant::now() + pause));
            self.stopping.run_until_cancelled(next).await.ok_or(RunError::Stopping)?;
            pause = (pause * 2).min(longest);
        }
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
