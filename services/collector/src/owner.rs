//! The life of one owned partition: take it once the kinds of paths are known, recover, flush at intervals, hand it over
//! (docs/protocol.md §7).

use std::sync::Arc;

use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until},
};
use tributary_storage::{Storage, StorageError};
use tributary_streams::{Held, Redis, StreamsError};

use crate::{configuration::Running, flush::Flusher, recover, settings::Settings};

/// What the owners of all partitions share.
pub(crate) struct Partitions {
    pub(crate) redis: Redis,
    pub(crate) storage: Storage,
    pub(crate) settings: Settings,
    /// By which rows are shown.
    pub(crate) running: Running,
    /// One permit a flush.
    flushes: Semaphore,
}

impl Partitions {
    pub(crate) fn new(redis: Redis, storage: Storage, settings: Settings, running: Running) -> Self {
        let flushes = Semaphore::new(settings.concurrent_flushes.max(1));
        Self { redis, storage, settings, running, flushes }
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

/// Works on a partition until it is to be handed over: the flush in hand is finished, and whoever is owner next finds the
/// rest in Redis.
pub(crate) async fn run(partitions: Arc<Partitions>, held: Held) -> Result<(), Lost> {
    let Held { fence, stop } = &held;
    match stop.run_until_cancelled(partitions.running.ready(&partitions.redis)).await {
        None => return Ok(()),
        Some(ready) => ready?,
    }
    // Before anything is read: from here on every former owner's flush is refused.
    let taken = partitions.storage.take_epoch(fence.partition, fence.epoch).await?;
    let positions = taken.ok_or(Lost::Superseded)?;
    let positions = recover::publish_what_is_behind(&partitions, fence, positions).await?;

    let mut flusher = Flusher::new(&partitions, fence, positions);
    loop {
        let next = Instant::now() + partitions.settings.flush_interval;
        let Some(permit) = stop.run_until_cancelled(partitions.flushes.acquire()).await else {
            return Ok(());
        };
        let full = flusher.flush().await?;
        drop(permit);
        if !full {
            stop.run_until_cancelled(sleep_until(next)).await;
        }
    }
}
