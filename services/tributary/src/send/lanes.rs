//! Senders that each take some of the profiles, so that one profile's payloads stay in the order of the file.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use tonic::{
    Code,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};
use tributary_proto::v1::{self, ingest_service_client::IngestServiceClient};

use super::{deliver, progress::Progress, summary::Summary};
use crate::errors;

/// Payloads read ahead for each lane.
const AHEAD: usize = 16;

/// One payload to send.
pub(super) struct Job {
    pub(super) payload: v1::TrackRequest,
    /// The credential to send it with.
    pub(super) key: MetadataValue<Ascii>,
    /// Where the credential was found.
    pub(super) key_from: Arc<str>,
    /// Where it stands in the file.
    pub(super) line: usize,
}

/// The senders.
pub(super) struct Lanes {
    lanes: Vec<mpsc::Sender<Job>>,
    running: JoinSet<Summary>,
}

impl Lanes {
    /// Starts them. Once it is `stopping` what is in flight is waited for, and the rest is only counted.
    pub(super) fn new(
        channel: &Channel,
        lanes: u16,
        give_up: Duration,
        progress: &Progress,
        stopping: &CancellationToken,
    ) -> Lanes {
        let client = IngestServiceClient::new(channel.clone());
        let mut running = JoinSet::new();
        let lanes = (0..lanes).map(|_| {
            let (lane, jobs) = mpsc::channel(AHEAD);
            running.spawn(drive(client.clone(), jobs, give_up, progress.clone(), stopping.clone()));
            lane
        });
        Lanes { lanes: lanes.collect(), running }
    }

    /// Hands a payload over, when its lane has room for it.
    pub(super) async fn give(&self, job: Job) -> anyhow::Result<()> {
        let mut hasher = DefaultHasher::new();
        let payload = &job.payload;
        // Without a profile the session decides which one it is; without both the order does not matter.
        match (&*payload.profile_id, &*payload.session_id) {
            ("", "") => job.line.hash(&mut hasher),
            ("", session) => session.hash(&mut hasher),
            (profile, _) => profile.hash(&mut hasher),
        }
        let lane = usize::try_from(hasher.finish() % self.lanes.len() as u64)?;
        self.lanes[lane].send(job).await.context("a sender has ended early")
    }

    /// Waits until everything has an answer.
    pub(super) async fn finish(mut self) -> anyhow::Result<Summary> {
        self.lanes.clear();
        let mut summary = Summary::default();
        while let Some(part) = self.running.join_next().await {
            summary.add(part.context("a sender has failed")?);
        }
        Ok(summary)
    }
}

async fn drive(
    mut client: IngestServiceClient<Channel>,
    mut jobs: mpsc::Receiver<Job>,
    give_up: Duration,
    progress: Progress,
    stopping: CancellationToken,
) -> Summary {
    let mut summary = Summary::default();
    while let Some(job) = jobs.recv().await {
        if stopping.is_cancelled() {
            summary.not_sent();
            continue;
        }
        let began = Instant::now();
        let delivered = deliver::deliver(&mut client, &job, give_up, &stopping).await;
        match &delivered.answer {
            Ok(answer) => summary.answered(answer, job.line, delivered.retries, began.elapsed()),
            Err(status) => {
                let mut why = format!("line {}: {}", job.line, errors::in_short(status));
                if status.code() == Code::Unauthenticated {
                    why.push_str(&format!("; what was shown is {}", job.key_from));
                }
                let reason = match errors::reason(status) {
                    reason if reason.is_empty() => "NO_ANSWER".to_owned(),
                    reason => reason,
                };
                summary.failed(job.payload.events.len(), delivered.retries, reason, &why);
            }
        }
        progress.done();
    }
    summary
}
