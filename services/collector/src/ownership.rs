//! Which partitions this process owns: its share of them, by leases (docs/protocol.md §3).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_model::PartitionId;
use tributary_runtime::Tasks;
use tributary_storage::StorageError;
use tributary_streams::{Fence, StreamsError};

use crate::owner::{self, Partitions, STAGE};

/// How often to look for partitions that nobody owns.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Holds this process's share until it stops, then hands everything over.
pub(crate) async fn run(
    partitions: Arc<Partitions>,
    tasks: Tasks,
    database: SecretString,
) -> anyhow::Result<()> {
    let stopping = tasks.stopping();
    let mut holding = Holding {
        partitions,
        tasks,
        held: BTreeMap::new(),
        renewed: Instant::now(),
        prepared: false,
        troubled: false,
    };
    loop {
        let Some(round) = stopping.run_until_cancelled(holding.round(&database)).await else { break };
        holding.note(round)?;
        if stopping.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_none() {
            break;
        }
    }
    holding.hand_over_all().await;
    Ok(())
}

struct Holding {
    partitions: Arc<Partitions>,
    tasks: Tasks,
    held: BTreeMap<PartitionId, Held>,
    renewed: Instant,
    /// The schema and the layout are there.
    prepared: bool,
    /// The last round was cut short: said once, not in every round.
    troubled: bool,
}

/// A partition that this process works on.
struct Held {
    fence: Fence,
    /// Asks its task to finish what is in hand and give the lease back.
    leave: CancellationToken,
    /// Cancelled when the task has ended, however it ended.
    ended: CancellationToken,
}

/// Why a round was cut short.
enum RoundError {
    /// Redis or Postgres is away: the next round tries again.
    Passing(String),
    /// It will not get better by waiting.
    Fatal(StorageError),
}

impl Holding {
    async fn round(&mut self, database: &SecretString) -> Result<(), RoundError> {
        self.held.retain(|_, held| !held.ended.is_cancelled());
        self.renew().await?;
        if !self.prepared {
            self.prepare(database).await?;
        }
        let alive =
            self.partitions.redis.announce(STAGE, &self.partitions.instance, self.partitions.lease).await?;
        let share = share(self.partitions.count, alive);
        self.hand_over_beyond(share);
        self.acquire_up_to(share).await
    }

    /// Logs the beginning and the end of trouble; ends the task where waiting does not help.
    fn note(&mut self, round: Result<(), RoundError>) -> Result<(), StorageError> {
        let was_troubled = std::mem::replace(&mut self.troubled, round.is_err());
        match round {
            Ok(()) if was_troubled => tracing::info!("partitions can be looked after again"),
            Ok(()) => {}
            Err(RoundError::Fatal(error)) => return Err(error),
            Err(RoundError::Passing(reason)) if was_troubled => tracing::debug!(%reason, "still in trouble"),
            Err(RoundError::Passing(reason)) => {
                tracing::warn!(%reason, "partitions cannot be looked after now; trying again");
            }
        }
        Ok(())
    }

    /// The schema and the layout, once: by whichever collector comes first.
    async fn prepare(&mut self, database: &SecretString) -> Result<(), RoundError> {
        tributary_storage::migrate(database.expose_secret()).await?;
        self.partitions.storage.ensure_deployment(self.partitions.count).await?;
        self.prepared = true;
        Ok(())
    }

    /// All leases, at a third of their length, so that two attempts may fail.
    async fn renew(&mut self) -> Result<(), RoundError> {
        if self.renewed.elapsed() < self.partitions.lease / 3 {
            return Ok(());
        }
        for held in self.held.values().filter(|held| !held.leave.is_cancelled()) {
            match self.partitions.redis.renew(&held.fence, self.partitions.lease).await {
                Err(StreamsError::Fenced) => held.leave.cancel(),
                outcome => outcome?,
            }
        }
        self.renewed = Instant::now();
        Ok(())
    }

    /// Another process has come: it gets what is above this one's share.
    fn hand_over_beyond(&self, share: usize) {
        let staying = self.held.values().filter(|held| !held.leave.is_cancelled());
        for held in staying.skip(share) {
            held.leave.cancel();
        }
    }

    async fn acquire_up_to(&mut self, share: usize) -> Result<(), RoundError> {
        if self.held.len() >= share {
            return Ok(());
        }
        // Postgres remembers epochs that Redis may have forgotten; the next one has to exceed both.
        let rows = self.partitions.storage.partitions().await?;
        let held: BTreeSet<_> = self.held.keys().copied().collect();
        for row in rows.into_iter().filter(|row| !held.contains(&row.partition)) {
            if self.held.len() >= share {
                break;
            }
            let Partitions { redis, lease, .. } = &*self.partitions;
            if let Some(fence) = redis.acquire(row.partition, STAGE, row.epoch, *lease).await? {
                self.take(fence);
            }
        }
        Ok(())
    }

    fn take(&mut self, fence: Fence) {
        let held =
            Held { fence: fence.clone(), leave: CancellationToken::new(), ended: CancellationToken::new() };
        let (partitions, leave, ended) =
            (self.partitions.clone(), held.leave.clone(), held.ended.clone().drop_guard());
        self.held.insert(fence.partition, held);
        self.tasks.spawn_short("partition", async move {
            // Moved in here, so that a panic ends the partition too and it is taken anew.
            let _ended = ended;
            owner::run(&partitions, &fence, &leave).await;
        });
    }

    async fn hand_over_all(&self) {
        for held in self.held.values() {
            held.leave.cancel();
        }
        for held in self.held.values() {
            held.ended.cancelled().await;
        }
        // Without it the others would wait for this process's share until its announcement ends.
        let _ = self.partitions.redis.announce(STAGE, &self.partitions.instance, Duration::ZERO).await;
    }
}

/// An equal share, rounded up: nothing stays without an owner.
fn share(partitions: u16, alive: usize) -> usize {
    usize::from(partitions).div_ceil(alive.max(1))
}

impl From<StreamsError> for RoundError {
    fn from(error: StreamsError) -> Self {
        Self::Passing(error.to_string())
    }
}

impl From<StorageError> for RoundError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::OtherDeployment { .. }
            | StorageError::Migration { .. }
            | StorageError::Address { .. } => Self::Fatal(error),
            passing => Self::Passing(passing.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_all_partitions_and_are_nearly_equal() {
        for partitions in [1, 7, 32, 1024] {
            for alive in 1..=40 {
                let share = share(partitions, alive);
                assert!(share * alive >= usize::from(partitions));
                assert!((share - 1) * alive < usize::from(partitions));
            }
        }
        assert_eq!(share(32, 0), 32);
    }
}
