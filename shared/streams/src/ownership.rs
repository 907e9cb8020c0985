//! Which partitions this process works on: it takes its share, keeps the leases, and hands over what is too much
//! (docs/protocol.md §3).
//!
//! A loop, run as one task: partitions come and go as processes of the stage do. The work on a partition gets a [`Held`]
//! and ends when that says so; leases are given up after the work has ended, never before.

use crate::{Fence, Redis, StreamsError};
use futures::future::join_all;
use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use tributary_model::PartitionId;

/// What a process may own, and how.
#[derive(Debug, Clone)]
pub struct Ownership {
    /// The stage, such as `workflow`.
    pub stage: &'static str,
    /// How many partitions the deployment has.
    pub partitions: u16,
    /// How long an owner that says nothing keeps its partition. Renewed three times within it.
    pub lease: Duration,
}

/// A partition while it is owned.
#[derive(Debug, Clone)]
pub struct Held {
    /// What every write of the work shows.
    pub fence: Fence,
    /// Finish what is in hand and end: the process stops, hands over, or has lost the lease.
    pub stop: CancellationToken,
}

/// After work on a partition failed, it is left alone for this long.
const COOL_OFF: Duration = Duration::from_secs(1);

/// Owns partitions until `stopping`, and then until all work has ended.
///
/// `least_epoch` says below what no epoch may lie: what Postgres remembers, for a stage that writes there. `work` is
/// started for each partition taken.
pub async fn own<E, EF, W, WF, F>(
    redis: Redis,
    ownership: Ownership,
    stopping: CancellationToken,
    least_epoch: E,
    work: W,
) where
    E: Fn(PartitionId) -> EF,
    EF: Future<Output = Result<i64, F>>,
    W: Fn(Held) -> WF,
    WF: Future<Output = Result<(), F>> + Send + 'static,
    F: std::fmt::Display + Send + 'static,
{
    let instance = format!("{:016x}", rand::random::<u64>());
    let mut owner = Owner {
        redis,
        ownership,
        instance,
        stopping: stopping.clone(),
        held: HashMap::new(),
        running: JoinSet::new(),
        cooling: HashMap::new(),
        troubled: false,
    };
    let mut tick = interval(owner.ownership.lease / 10);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            Some(ended) = owner.running.join_next_with_id() => owner.ended(ended).await,
            _ = tick.tick() => {
                let round = owner.round(&least_epoch, &work).await;
                owner.note(round);
            }
        }
    }
    for held in owner.held.values() {
        held.held.stop.cancel();
    }
    // What is in hand may take longer than a lease; until it has ended nobody else may begin.
    while !owner.running.is_empty() {
        tokio::select! {
            Some(ended) = owner.running.join_next_with_id() => owner.ended(ended).await,
            _ = tick.tick() => owner.renew().await,
        }
    }
    // Others need not wait until this process is missed.
    let (stage, instance) = (owner.ownership.stage, owner.instance);
    if let Err(error) = owner.redis.announce(stage, &instance, Duration::ZERO).await {
        debug!(%error, "could not sign off");
    }
}

struct Owned {
    held: Held,
    renewed: Instant,
    task: Id,
}

struct Owner<F> {
    redis: Redis,
    ownership: Ownership,
    instance: String,
    stopping: CancellationToken,
    held: HashMap<PartitionId, Owned>,
    running: JoinSet<Result<(), F>>,
    cooling: HashMap<PartitionId, Instant>,
    /// The last round was cut short.
    troubled: bool,
}

/// Why a round was cut short, in words: the next one tries again.
struct Trouble(String);

impl From<StreamsError> for Trouble {
    fn from(error: StreamsError) -> Self {
        Self(error.to_string())
    }
}

impl<F: std::fmt::Display + Send + 'static> Owner<F> {
    async fn round<E, EF, W, WF>(&mut self, least_epoch: &E, work: &W) -> Result<(), Trouble>
    where
        E: Fn(PartitionId) -> EF,
        EF: Future<Output = Result<i64, F>>,
        W: Fn(Held) -> WF,
        WF: Future<Output = Result<(), F>> + Send + 'static,
    {
        self.renew().await;
        let Ownership { stage, partitions, lease } = self.ownership;
        let alive = self.redis.announce(stage, &self.instance, lease).await?.max(1);
        let share = usize::from(partitions).div_ceil(alive);
        if self.held.len() > share {
            self.hand_over(self.held.len() - share);
            return Ok(());
        }
        let now = Instant::now();
        self.cooling.retain(|_, until| *until > now);
        for p in in_turn(&self.instance, partitions) {
            if self.held.len() >= share || self.stopping.is_cancelled() {
                break;
            }
            if self.held.contains_key(&p) || self.cooling.contains_key(&p) {
                continue;
            }
            self.take(p, least_epoch, work).await?;
            // A round may be slow where many partitions are free and something is under load.
            self.renew().await;
        }
        Ok(())
    }

    /// Says where trouble begins and ends, not in every round of an outage.
    fn note(&mut self, round: Result<(), Trouble>) {
        let stage = self.ownership.stage;
        let was_troubled = std::mem::replace(&mut self.troubled, round.is_err());
        match round {
            Ok(()) if was_troubled => info!(stage, "partitions can be looked after again"),
            Ok(()) => {}
            Err(Trouble(reason)) if was_troubled => debug!(stage, reason, "still in trouble"),
            Err(Trouble(reason)) => warn!(stage, reason, "partitions cannot be looked after; trying again"),
        }
    }

    /// The last ones, so that the same are asked again as long as they have not ended.
    fn hand_over(&self, surplus: usize) {
        let mut ids: Vec<PartitionId> = self.held.keys().copied().collect();
        ids.sort_unstable();
        for p in ids.into_iter().rev().take(surplus) {
            self.held[&p].held.stop.cancel();
        }
    }

    async fn take<E, EF, W, WF>(&mut self, p: PartitionId, least_epoch: &E, work: &W) -> Result<(), Trouble>
    where
        E: Fn(PartitionId) -> EF,
        EF: Future<Output = Result<i64, F>>,
        W: Fn(Held) -> WF,
        WF: Future<Output = Result<(), F>> + Send + 'static,
    {
        let Ownership { stage, lease, .. } = self.ownership;
        // Neither the leases held nor the end of the process wait for a database that does not answer.
        let least = timeout(lease * 3 / 10, least_epoch(p));
        let least = match self.stopping.run_until_cancelled(least).await {
            None => return Ok(()),
            Some(Ok(Ok(least))) => least,
            // Most likely the same for all others: the round ends, and they are not tried one by one.
            Some(Ok(Err(error))) => return Err(Trouble(format!("the epoch of partition {}: {error}", p.0))),
            Some(Err(_)) => {
                return Err(Trouble(format!("the epoch of partition {}: no answer in time", p.0)));
            }
        };
        let asked = Instant::now();
        let Some(fence) = self.redis.acquire(p, stage, least, lease).await? else { return Ok(()) };
        debug!(partition = p.0, epoch = fence.epoch, "took a partition");
        let held = Held { fence, stop: CancellationToken::new() };
        let task = self.running.spawn(work(held.clone())).id();
        self.held.insert(p, Owned { held, renewed: asked, task });
        Ok(())
    }

    /// All at once: one that waits for its answer would make the others late.
    async fn renew(&mut self) {
        let (redis, lease) = (&self.redis, self.ownership.lease);
        let due = self.held.values_mut().filter(|owned| owned.renewed.elapsed() >= lease * 3 / 10);
        join_all(due.map(|owned| renew(redis, lease, owned))).await;
    }

    async fn ended(&mut self, ended: Result<(Id, Result<(), F>), JoinError>) {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(p) = self.held.iter().find(|(_, owned)| owned.task == id).map(|(p, _)| *p) else { return };
        let Some(owned) = self.held.remove(&p) else { return };
        let asked = owned.held.stop.is_cancelled();
        match ended {
            Ok((_, Ok(()))) if asked => debug!(partition = p.0, "handed a partition over"),
            Ok((_, Ok(()))) => info!(partition = p.0, "work on a partition ended by itself"),
            Ok((_, Err(error))) if asked => debug!(partition = p.0, %error, "work on a partition ended"),
            Ok((_, Err(error))) => warn!(partition = p.0, %error, "work on a partition failed; trying again"),
            Err(panic) => warn!(partition = p.0, %panic, "work on a partition panicked; trying again"),
        }
        if !asked {
            self.cooling.insert(p, Instant::now() + COOL_OFF);
        }
        if let Err(error) = self.redis.release(&owned.held.fence).await {
            debug!(partition = p.0, %error, "the lease was not ours to give up");
        }
    }
}

async fn renew(redis: &Redis, lease: Duration, owned: &mut Owned) {
    let asked = Instant::now();
    match redis.renew(&owned.held.fence, lease).await {
        Ok(()) => owned.renewed = asked,
        Err(StreamsError::Fenced) => owned.held.stop.cancel(),
        // Someone else may have it by now. Whatever the work still sends is refused by the fence.
        Err(_) if owned.renewed.elapsed() > lease => owned.held.stop.cancel(),
        Err(error) => debug!(partition = owned.held.fence.partition.0, %error, "could not renew a lease"),
    }
}

/// All partitions, beginning elsewhere in each process: those that start together do not all reach for the same ones.
fn in_turn(instance: &str, partitions: u16) -> impl Iterator<Item = PartitionId> + use<> {
    let offset = instance.bytes().fold(0_u16, |sum, byte| sum.wrapping_mul(31).wrapping_add(u16::from(byte)));
    let first = offset.checked_rem(partitions).unwrap_or_default();
    (first..partitions).chain(0..first).map(PartitionId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wherever_a_process_begins_it_comes_to_every_partition() {
        for partitions in [0, 1, 7, 32, 33, 1000, u16::MAX] {
            for instance in ["", "a", "0123456789abcdef", "ffffffffffffffff"] {
                let mut ids: Vec<u16> = in_turn(instance, partitions).map(|p| p.0).collect();
                ids.sort_unstable();
                assert!(ids.into_iter().eq(0..partitions), "{instance} of {partitions}");
            }
        }
    }
}
