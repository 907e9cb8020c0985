//! An event that is run because somebody asks for it, and waits for what becomes of it.
//!
//! One door and one runner here too: preprocess records the event, the partition's owner runs it, wherever it is, and this
//! process finds its end in Redis (docs/protocol.md §6). A dry run writes nothing and asks nobody.

pub(crate) mod asked;
mod dry;
pub(crate) mod error;

use asked::{Asked, How};
use dry::Rehearsal;
use error::RunError;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Request;
use tracing::Instrument;
use tributary_config::Config;
use tributary_model::{EventId, Members, ProfileId, TenantId, partition_of};
use tributary_proto::v1::preprocess_service_client::PreprocessServiceClient;
use tributary_proto::{convert, v1};
use tributary_runtime::client::{MeshChannel, call_span, record_end};
use tributary_runtime::{deadline, now};
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
            How::Dry { workflow } => self.rehearse(&asked, workflow.as_deref()).await,
            How::Recorded { request_id } => {
                let request_id = request_id.clone();
                let own = OWN_TIME.min(patience / 4);
                self.record(asked, &request_id, Instant::now() + patience.saturating_sub(own)).await
            }
        }
    }

    async fn rehearse(&self, asked: &Asked, workflow: Option<&str>) -> Result<v1::RunResponse, RunError> {
        let rehearsal = Rehearsal::of(asked, workflow, &self.config.current(), now())?;
        let known = self.reader.read(&asked.tenant, &asked.profile, asked.session.as_ref()).await?;
        Ok(rehearsal.perform(known, now()))
    }

    /// Records the event, or finds it recorded by an earlier attempt, and waits until it is handled.
    async fn record(
        &self,
        asked: Asked,
        request_id: &EventId,
        until: Instant,
    ) -> Result<v1::RunResponse, RunError> {
        let tenant = asked.tenant.clone();
        let answer = self.process(asked, request_id, until).await?;
        let event = answer.events.into_iter().next().ok_or(RunError::Incomplete("a result"))?;
        match event.status() {
            v1::EventStatus::Accepted | v1::EventStatus::Duplicate => {}
            v1::EventStatus::Invalid => return Err(RunError::Invalid(event.violations)),
            v1::EventStatus::Unspecified => return Err(RunError::Incomplete("a status")),
        }
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
        })
    }

    async fn process(
        &self,
        asked: Asked,
        request_id: &EventId,
        until: Instant,
    ) -> Result<v1::TrackResponse, RunError> {
        let request = v1::ProcessRequest {
            tenant: asked.tenant.to_string(),
            source: asked.source.to_string(),
            payload: Some(asked.payload(request_id)),
            derivation: None,
            revision: String::new(),
        };
        let left = until.saturating_duration_since(Instant::now());
        let call = deadline::with_deadline(Request::new(request), left);
        let span = call_span("tributary.v1.PreprocessService/Process");
        let mut preprocess = self.preprocess.clone();
        let answered = async { preprocess.process(call).await }.instrument(span.clone()).await;
        record_end(&span, &answered);
        let answer = answered.map_err(|status| RunError::Preprocess(Box::new(status)))?;
        answer.into_inner().answer.ok_or(RunError::Incomplete("an answer"))
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
        let view = members.total().view(now());
        Ok(convert::profile_to_wire(tenant, &id, &members, &view))
    }
}
