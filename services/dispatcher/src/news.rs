//! One watcher for all owned partitions: idle ones cost one blocking read together, not a poll each.
//!
//! A partition says from where on something is news and waits; when there is, it is told once and says so again after
//! it has read. Being told is a hint: partitions also look by themselves now and then.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;
use tributary_model::{PartitionId, StreamId};
use tributary_streams::{Redis, Stream};

/// How long one blocking read takes at most, and so how long a partition may wait to be watched again.
const BLOCK: Duration = Duration::from_millis(250);
/// After an error: Redis is away, and the connection is made anew.
const PAUSE: Duration = Duration::from_secs(1);

/// Who waits for what.
#[derive(Default)]
pub(crate) struct Watch {
    waiting: Mutex<HashMap<PartitionId, (StreamId, Arc<Notify>)>>,
}

impl Watch {
    /// Waits until `{p}:profiles` may have an entry after `position`, or `longest` is over.
    pub(crate) async fn wait(&self, p: PartitionId, position: StreamId, longest: Duration) {
        let told = Arc::new(Notify::new());
        self.waiting().insert(p, (position, told.clone()));
        let _leaves = Leaves { watch: self, p };
        let _ = tokio::time::timeout(longest, told.notified()).await;
    }

    /// Watches until `stopping`. The connection of its own is what blocks.
    pub(crate) async fn run(
        self: Arc<Self>,
        redis: Redis,
        stopping: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut news = redis.news();
        while !stopping.is_cancelled() {
            let watched: Vec<_> =
                self.waiting().iter().map(|(p, (position, _))| (*p, Stream::Profiles, *position)).collect();
            if watched.is_empty() {
                stopping.run_until_cancelled(sleep(BLOCK)).await;
                continue;
            }
            match stopping.run_until_cancelled(news.wait(&watched, BLOCK)).await {
                None => break,
                Some(Ok(found)) => found.into_iter().for_each(|(p, _, _)| self.tell(p)),
                Some(Err(error)) => {
                    tracing::debug!(%error, "cannot wait for news");
                    stopping.run_until_cancelled(sleep(PAUSE)).await;
                }
            }
        }
        Ok(())
    }

    fn tell(&self, p: PartitionId) {
        if let Some((_, told)) = self.waiting().remove(&p) {
            told.notify_one();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<PartitionId, (StreamId, Arc<Notify>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever stops waiting, for whatever reason, is not watched any more.
struct Leaves<'a> {
    watch: &'a Watch,
    p: PartitionId,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.watch.waiting().remove(&self.p);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: PartitionId = PartitionId(3);

    #[tokio::test(start_paused = true)]
    async fn a_partition_that_is_told_stops_waiting_and_is_not_watched_until_it_waits_again() {
        let watch = Watch::default();
        let wait = watch.wait(P, StreamId::new(1, 0), Duration::from_secs(3600));
        let tell = async {
            while watch.waiting().is_empty() {
                tokio::task::yield_now().await;
            }
            watch.tell(P);
            assert!(watch.waiting().is_empty());
        };
        let begun = tokio::time::Instant::now();
        tokio::join!(wait, tell);
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn without_news_the_wait_ends_by_itself_and_leaves_nothing_behind() {
        let watch = Watch::default();
        watch.wait(P, StreamId::default(), Duration::from_secs(1)).await;
        assert!(watch.waiting().is_empty());
    }
}
