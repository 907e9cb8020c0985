//! Processes of a stage share its partitions, and hand them over without two working at once (§3).

use crate::world::{LONG, SOON, World};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tributary_servers::poll;
use tributary_streams::{Held, Ownership, Redis, StreamsError, own};

const PARTITIONS: u16 = 8;

fn ownership(lease: Duration) -> Ownership {
    Ownership { stage: "workflow", partitions: PARTITIONS, lease }
}

/// Who works on what. Two at once on one partition would show.
#[derive(Clone, Default)]
struct Board {
    owners: Arc<Mutex<BTreeMap<u16, &'static str>>>,
    clashes: Arc<AtomicUsize>,
}

impl Board {
    async fn work(self, name: &'static str, held: Held) -> Result<(), StreamsError> {
        let p = held.fence.partition.0;
        if self.owners().insert(p, name).is_some() {
            self.clashes.fetch_add(1, Ordering::Relaxed);
        }
        held.stop.cancelled().await;
        self.owners().remove(&p);
        Ok(())
    }

    fn owners(&self) -> std::sync::MutexGuard<'_, BTreeMap<u16, &'static str>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn eventually(&self, wanted: &[(&'static str, usize)]) -> anyhow::Result<()> {
        let counted = poll(SOON, async || {
            let mut counts = BTreeMap::new();
            self.owners().values().for_each(|name| *counts.entry(*name).or_insert(0) += 1);
            if counts == wanted.iter().copied().collect() { Ok(()) } else { Err(format!("{counts:?}")) }
        });
        counted.await.map_err(anyhow::Error::msg)
    }
}

/// Starts a process of the stage; the token stops it.
fn process(tasks: &mut JoinSet<()>, redis: Redis, board: &Board, name: &'static str) -> CancellationToken {
    let stopping = CancellationToken::new();
    let (board, stop) = (board.clone(), stopping.clone());
    let ownership = ownership(Duration::from_secs(2));
    tasks.spawn(async move {
        own(redis, ownership, stop, async |_| Ok(0), move |held| board.clone().work(name, held)).await;
    });
    stopping
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_the_partitions_and_one_takes_over_when_the_other_stops() -> anyhow::Result<()> {
    let world = World::start().await?;
    let board = Board::default();
    let mut tasks = JoinSet::new();
    let first = process(&mut tasks, world.redis.clone(), &board, "first");
    board.eventually(&[("first", 8)]).await?;
    let second = process(&mut tasks, world.another_process().await?, &board, "second");
    board.eventually(&[("first", 4), ("second", 4)]).await?;
    first.cancel();
    board.eventually(&[("second", 8)]).await?;
    second.cancel();
    tokio::time::timeout(SOON, async { while tasks.join_next().await.is_some() {} }).await?;
    board.eventually(&[]).await?;
    assert_eq!(board.clashes.load(Ordering::Relaxed), 0, "two worked on one partition");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_panics_or_fails_is_started_again_with_a_new_fence() -> anyhow::Result<()> {
    let world = World::start().await?;
    let epochs = Arc::new(Mutex::new(Vec::new()));
    let stopping = CancellationToken::new();
    let (seen, ownership) =
        (epochs.clone(), Ownership { partitions: 1, ..ownership(Duration::from_secs(2)) });
    let work = move |held: Held| {
        let seen = seen.clone();
        async move {
            let started = {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.push(held.fence.epoch);
                seen.len()
            };
            match started {
                1 => panic!("a defect in the work; this test wants it"),
                2 => Err(StreamsError::Fenced),
                _ => {
                    held.stop.cancelled().await;
                    Ok(())
                }
            }
        }
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(own(world.redis.clone(), ownership, stopping.clone(), async |_| Ok(6), work));
    let restarted = poll(SOON, async || {
        let seen = epochs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if seen == [7, 8, 9] { Ok(()) } else { Err(format!("{seen:?}")) }
    });
    restarted.await.map_err(anyhow::Error::msg)?;
    stopping.cancel();
    tokio::time::timeout(SOON, tasks.join_next()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_takes_longer_than_a_lease_to_end_ends_as_the_owner() -> anyhow::Result<()> {
    let world = World::start().await?;
    let lease = Duration::from_millis(500);
    let (started, stopping) = (CancellationToken::new(), CancellationToken::new());
    let (redis, begun) = (world.redis.clone(), started.clone());
    let outcome = Arc::new(Mutex::new(None));
    let told = outcome.clone();
    let work = move |held: Held| {
        let (redis, begun, told) = (redis.clone(), begun.clone(), told.clone());
        async move {
            begun.cancel();
            held.stop.cancelled().await;
            // Another process takes whatever is free.
            let stolen = poll(lease * 4, async || {
                match redis.acquire(held.fence.partition, "workflow", 0, LONG).await {
                    Ok(Some(_)) => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            });
            let stolen = stolen.await.is_ok();
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(stolen);
            Ok::<_, StreamsError>(())
        }
    };
    let ownership = Ownership { partitions: 1, ..ownership(lease) };
    let mut tasks = JoinSet::new();
    tasks.spawn(own(world.redis.clone(), ownership, stopping.clone(), async |_| Ok(0), work));
    tokio::time::timeout(SOON, started.cancelled()).await?;
    stopping.cancel();
    tokio::time::timeout(SOON, tasks.join_next()).await?;
    let stolen = *outcome.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(stolen, Some(false));
    Ok(())
}
