//! The order of an owned stream: a lane for each profile, one entry of a lane at a time, lanes beside each other
//! (docs/protocol.md §6).

mod queues;

use futures::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use queues::{Lane, Queued, Queues};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tributary_model::StreamId;
use tributary_streams::{From, Group, Handed, Held, Redis, StreamsError, Watch};

/// Entries read at once. A script that reads them holds up the whole server meanwhile, so this bounds bytes too.
const PAGE: usize = 50;
/// The stream is looked at after this time, should no news ever be told.
const LOOK: Duration = Duration::from_secs(1);

/// What is done with the entries.
pub(crate) trait Handler {
    /// Handles an entry, for as long as it takes. `Ok` without a commit only after the partition's `stop`.
    fn handle(&self, handed: Handed) -> impl Future<Output = Result<(), StreamsError>>;

    /// Takes an entry off the stream whose handling panicked.
    fn give_up(&self, handed: Handed) -> impl Future<Output = Result<(), StreamsError>>;
}

/// Reads `group`'s stream and handles its entries until the partition is handed over: first what an earlier owner left
/// unfinished, then what is new. At most `most` lanes have entries in memory; of a lane only the first few, so that one
/// profile that waits does not take the room of the others.
///
/// # Errors
/// The first error of a read or of a handler: nothing in memory is trusted after one, and the entries are still there.
pub(crate) async fn run(
    redis: &Redis,
    watch: &Arc<Watch>,
    held: &Held,
    group: Group,
    most: usize,
    handler: &impl Handler,
) -> Result<(), StreamsError> {
    let p = held.fence.partition;
    redis.ensure_group(p, group).await?;
    let mut queues = Queues::new(most);
    let mut running = FuturesUnordered::new();
    let mut from = From::Pending(StreamId::default());
    // Taken up before the first read: an entry that comes in between is read, or is news.
    let news = watch.watch(p, group.stream(), redis.last_id(&held.fence, group.stream()).await?);
    let start = |queued| in_lane(redis, held, group, queued, handler);

    while !held.stop.is_cancelled() {
        if queues.have_room() {
            let page = redis.read_group(&held.fence, group, from, PAGE).await?;
            let last = page.last().map(|handed| handed.entry.id);
            let more = !page.is_empty() || matches!(from, From::Pending(_));
            for handed in page {
                running.extend(queues.join(handed).map(start));
            }
            from = match (from, last) {
                (From::Pending(_), Some(last)) => From::Pending(last),
                _ => From::New,
            };
            if more {
                continue;
            }
        }
        // Full, or nothing to read: until a lane is done, or there is news.
        tokio::select! {
            () = held.stop.cancelled() => break,
            Some((lane, outcome)) = running.next() => {
                outcome?;
                // An entry that was left unfinished for the next owner must not be overtaken by the one behind it.
                running.extend(queues.advance(&lane, held.stop.is_cancelled()).map(start));
            }
            () = news.news(LOOK), if queues.have_room() => {}
        }
    }
    // What runs is finished; what waits is left to the next owner, who reads it as pending.
    while let Some((_, outcome)) = running.next().await {
        outcome?;
    }
    Ok(())
}

/// One entry, with its data.
async fn in_lane(
    redis: &Redis,
    held: &Held,
    group: Group,
    queued: Queued,
    handler: &impl Handler,
) -> (Lane, Result<(), StreamsError>) {
    let lane = queued.lane();
    let outcome = async {
        let handed = queued.fetched(redis, held.fence.partition, group.stream()).await?;
        isolated(handler, handed).await
    };
    (lane, outcome.await)
}

/// A panic costs the entry that it came with.
async fn isolated(handler: &impl Handler, handed: Handed) -> Result<(), StreamsError> {
    match AssertUnwindSafe(handler.handle(handed.clone())).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(_) => handler.give_up(handed).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tributary_streams::Entry;

    #[derive(Default)]
    struct Fragile {
        given_up: Mutex<Vec<StreamId>>,
    }

    impl Handler for Fragile {
        async fn handle(&self, handed: Handed) -> Result<(), StreamsError> {
            assert!(handed.entry.data.is_empty(), "data makes this handler panic");
            Ok(())
        }

        async fn give_up(&self, handed: Handed) -> Result<(), StreamsError> {
            self.given_up.lock().unwrap().push(handed.entry.id);
            Ok(())
        }
    }

    #[tokio::test]
    async fn an_entry_whose_handling_panics_is_given_up_and_its_neighbour_is_not() {
        let handler = Fragile::default();
        for (seq, data) in [(1, vec![]), (2, vec![1])] {
            let entry = Entry { id: StreamId::new(1, seq), data, ..Entry::default() };
            isolated(&handler, Handed { entry, deliveries: 1 }).await.unwrap();
        }
        assert_eq!(*handler.given_up.lock().unwrap(), [StreamId::new(1, 2)]);
    }
}
