//! The life of one owned partition: take it, recover, flush at intervals, hand it over (docs/protocol.md §7).

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tributary_runtime::SharedSettings;
use tributary_storage::{Storage, StorageError};
use tributary_streams::{Fence, Redis, StreamsError};

use crate::{flush::Flusher, recover, settings::Settings};

/// The stage's name in leases.
pub(crate) const STAGE: &str = "collector";

/// What the owners of all partitions share.
pub(crate) struct Partitions {
    pub(crate) redis: Redis,
    pub(crate) storage: Storage,
    pub(crate) settings: Settings,
    /// How many partitions the deployment has.
    pub(crate) count: u16,
    pub(crate) lease: Duration,
    /// This process among those of its stage.
    pub(crate) instance: String,
    /// One permit a flush.
    pub(crate) flushes: Arc<Semaphore>,
}

impl Partitions {
    pub(crate) fn new(redis: Redis, storage: Storage, shared: &SharedSettings, settings: Settings) -> Self {
        Self {
            redis,
            storage,
            count: shared.partitions,
            lease: shared.lease,
            instance: instance(),
            flushes: Arc::new(Semaphore::new(settings.concurrent_flushes.max(1))),
            settings,
        }
    }
}

/// Why an owner gives its partition up. Nothing that it held in memory is used again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    /// Redis refused or did not answer.
    #[error(transparent)]
    Streams(#[from] StreamsError),
    /// Postgres refused or did not answer; after an unanswered commit only a new start knows what is true.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A newer owner has the partition in Postgres.
    #[error("a newer owner has the partition")]
    Superseded,
}

/// Works on a partition until it is asked to leave or loses it, and gives the lease back.
pub(crate) async fn run(partitions: &Partitions, fence: &Fence, leave: &CancellationToken) {
    let partition = fence.partition.0;
    tracing::debug!(partition, epoch = fence.epoch, "partition taken");
    match work(partitions, fence, leave).await {
        Ok(()) => tracing::debug!(partition, "partition handed over"),
        Err(error @ (Lost::Superseded | Lost::Streams(StreamsError::Fenced))) => {
            tracing::info!(partition, %error, "partition lost");
        }
        Err(error) => tracing::warn!(partition, %error, "partition given up; it will be taken anew"),
    }
    // A lease that is not ours any more, or a Redis that is away: it ends by itself then.
    if let Err(error) = partitions.redis.release(fence).await {
        tracing::debug!(partition, %error, "the lease was not given back");
    }
}

async fn work(partitions: &Partitions, fence: &Fence, leave: &CancellationToken) -> Result<(), Lost> {
    // Before anything is read: from here on every former owner's flush is refused.
    let taken = partitions.storage.take_epoch(fence.partition, fence.epoch).await?;
    let positions = taken.ok_or(Lost::Superseded)?;
    let positions = recover::publish_what_is_behind(partitions, fence, positions).await?;

    let mut flusher = Flusher::new(partitions, fence, positions);
    loop {
        let next = Instant::now() + partitions.settings.flush_interval;
        let full = {
            let _permit = partitions.flushes.acquire().await.map_err(|_| Lost::Superseded)?;
            flusher.flush().await?
        };
        if leave.is_cancelled() {
            return Ok(());
        }
        if !full {
            // Asked to leave, the owner flushes once more: the next one then has less to begin with.
            leave.run_until_cancelled(sleep_until(next)).await;
        }
    }
}

/// A name that no other process of the stage has. Every `RandomState` hashes with random keys of its own.
fn instance() -> String {
    use std::hash::{BuildHasher as _, RandomState};

    format!("{}-{:016x}", std::process::id(), RandomState::new().hash_one(std::process::id()))
}
