//! One watcher for all the streams that a process reads as owner: idle ones cost one blocking read together, not a poll
//! each.
//!
//! Being told is a hint: the read that follows is fenced and decides what there is, and readers also look by themselves
//! now and then.

use crate::{Redis, Stream, StreamsError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tributary_model::{PartitionId, StreamId};

/// How long one blocking read takes at most, and so how long a stream may go unwatched after it was taken up.
const BLOCK: Duration = Duration::from_millis(250);
/// Under load, news of this long are told together.
const GATHER: Duration = Duration::from_millis(1);
/// After an error: Redis is away, and the connection is made anew.
const PAUSE: Duration = Duration::from_secs(1);

type Place = (PartitionId, Stream);

/// Watches streams for those who read them.
#[derive(Default)]
pub struct Watch {
    watched: Mutex<HashMap<Place, Watched>>,
    /// A first stream was taken up.
    begun: Notify,
}

struct Watched {
    /// What lies above is news.
    position: StreamId,
    told: Arc<Notify>,
}

/// A stream that is watched, until this is dropped.
pub struct Watching {
    watch: Arc<Watch>,
    place: Place,
    told: Arc<Notify>,
}

impl Watch {
    /// Takes a stream up: what comes after `position` is news.
    pub fn watch(self: &Arc<Self>, p: PartitionId, stream: Stream, position: StreamId) -> Watching {
        let told = Arc::new(Notify::new());
        self.watched().insert((p, stream), Watched { position, told: told.clone() });
        self.begun.notify_one();
        Watching { watch: self.clone(), place: (p, stream), told }
    }

    /// Watches until `stopping`, on a connection of its own.
    pub async fn run(self: Arc<Self>, redis: Redis, stopping: CancellationToken) {
        let mut news = redis.news();
        while !stopping.is_cancelled() {
            let watched: Vec<_> =
                self.watched().iter().map(|((p, stream), watched)| (*p, *stream, watched.position)).collect();
            if watched.is_empty() {
                stopping.run_until_cancelled(self.begun.notified()).await;
                continue;
            }
            let round = async {
                for (p, stream, _) in news.wait(&watched, BLOCK).await? {
                    // One entry was found; whoever is told reads all that there are, so the newest one counts.
                    let newest = redis.newest(p, stream).await?;
                    self.tell((p, stream), newest);
                }
                Ok::<(), StreamsError>(())
            };
            let pause = match stopping.run_until_cancelled(round).await {
                None => break,
                Some(Ok(())) => GATHER,
                Some(Err(error)) => {
                    tracing::debug!(%error, "cannot wait for news");
                    PAUSE
                }
            };
            stopping.run_until_cancelled(sleep(pause)).await;
        }
    }

    fn tell(&self, place: Place, newest: StreamId) {
        if let Some(watched) = self.watched().get_mut(&place) {
            watched.position = watched.position.max(newest);
            watched.told.notify_one();
        }
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<Place, Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watching {
    /// Waits until the stream may have something new, or `longest` is over. News from before the call end it at once.
    pub async fn news(&self, longest: Duration) {
        let _ = tokio::time::timeout(longest, self.told.notified()).await;
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut watched = self.watch.watched();
        // The partition may have come back meanwhile, and be watched anew.
        if watched.get(&self.place).is_some_and(|watched| Arc::ptr_eq(&watched.told, &self.told)) {
            watched.remove(&self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = (PartitionId(3), Stream::Events);
    const LONG: Duration = Duration::from_secs(3600);

    fn watching(watch: &Arc<Watch>) -> Watching {
        watch.watch(PLACE.0, PLACE.1, StreamId::new(1, 0))
    }

    #[tokio::test(start_paused = true)]
    async fn news_are_not_lost_between_two_waits() {
        let watch = Arc::new(Watch::default());
        let watching = watching(&watch);
        let begun = tokio::time::Instant::now();
        watch.tell(PLACE, StreamId::new(5, 0));
        watching.news(LONG).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(
            watch.watched()[&PLACE].position,
            StreamId::new(5, 0),
            "what was told is no news any more"
        );
        watching.news(LONG).await;
        assert_eq!(begun.elapsed(), LONG, "without news the wait ends by itself");
    }

    #[tokio::test]
    async fn a_partition_that_came_back_is_not_taken_down_by_its_former_owner() {
        let watch = Arc::new(Watch::default());
        let former = watching(&watch);
        let present = watching(&watch);
        drop(former);
        assert!(watch.watched().contains_key(&PLACE));
        drop(present);
        assert!(watch.watched().is_empty());
    }
}
