//! One watcher for all the partitions that a process owns: idle ones cost one blocking read together, not a poll each.
//!
//! A partition says from where on something is news and waits; when there is, it is told once, and says so again after it
//! has read. Being told is a hint: partitions also look by themselves now and then.

use crate::{Redis, Stream};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tributary_model::{PartitionId, StreamId};

/// How long one blocking read takes at most, and so how long a partition that begins to wait may go unwatched.
const BLOCK: Duration = Duration::from_millis(250);
/// After an error: Redis is away, and the connection is made anew.
const PAUSE: Duration = Duration::from_secs(1);

type Place = (PartitionId, Stream);

/// Who waits for what.
#[derive(Default)]
pub struct Watch {
    waiting: Mutex<HashMap<Place, (StreamId, Arc<Notify>)>>,
    /// Someone began to wait: the read under way does not know of it.
    joined: Notify,
}

impl Watch {
    /// Waits until the stream may have an entry after `position`, or `longest` is over.
    pub async fn wait(&self, p: PartitionId, stream: Stream, position: StreamId, longest: Duration) {
        let told = Arc::new(Notify::new());
        self.waiting().insert((p, stream), (position, told.clone()));
        self.joined.notify_one();
        let _leaves = Leaves { watch: self, place: (p, stream) };
        let _ = tokio::time::timeout(longest, told.notified()).await;
    }

    /// Watches until `stopping`, on a connection of its own.
    pub async fn run(self: Arc<Self>, redis: Redis, stopping: CancellationToken) {
        let mut news = redis.news();
        while !stopping.is_cancelled() {
            let watched: Vec<_> =
                self.waiting().iter().map(|((p, stream), (position, _))| (*p, *stream, *position)).collect();
            if watched.is_empty() {
                tokio::select! {
                    () = stopping.cancelled() => break,
                    () = self.joined.notified() => continue,
                }
            }
            match stopping.run_until_cancelled(news.wait(&watched, BLOCK)).await {
                None => break,
                Some(Ok(found)) => found.into_iter().for_each(|(p, stream, _)| self.tell((p, stream))),
                Some(Err(error)) => {
                    tracing::debug!(%error, "cannot wait for news");
                    stopping.run_until_cancelled(sleep(PAUSE)).await;
                }
            }
        }
    }

    fn tell(&self, place: Place) {
        if let Some((_, told)) = self.waiting().remove(&place) {
            told.notify_one();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Place, (StreamId, Arc<Notify>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever stops waiting, for whatever reason, is not watched any more.
struct Leaves<'a> {
    watch: &'a Watch,
    place: Place,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.watch.waiting().remove(&self.place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: PartitionId = PartitionId(3);

    #[tokio::test(start_paused = true)]
    async fn whoever_is_told_stops_waiting_and_is_not_watched_until_it_waits_again() {
        let watch = Watch::default();
        let wait = watch.wait(P, Stream::Events, StreamId::new(1, 0), Duration::from_secs(3600));
        let tell = async {
            while watch.waiting().is_empty() {
                tokio::task::yield_now().await;
            }
            watch.tell((P, Stream::Events));
            assert!(watch.waiting().is_empty());
        };
        let begun = tokio::time::Instant::now();
        tokio::join!(wait, tell);
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn without_news_the_wait_ends_by_itself_and_leaves_nothing_behind() {
        let watch = Watch::default();
        watch.wait(P, Stream::Events, StreamId::default(), Duration::from_secs(1)).await;
        assert!(watch.waiting().is_empty());
    }
}
