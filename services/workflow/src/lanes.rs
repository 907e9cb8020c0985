//! The order of an owned stream: a lane for each profile, one thing of a lane at a time, lanes beside each other
//! (docs/protocol.md §6). Due timers join the lanes of their profiles, behind what is there already.

mod queues;
mod timers;

use futures::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use queues::{Item, Lane, Queued, Queues};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use timers::Timers;
use tokio::sync::Notify;
use tributary_model::StreamId;
use tributary_streams::{From, Group, Handed, Held, Redis, StreamsError, Watch};

/// Entries read at once. A script that reads them holds up the whole server meanwhile, so this bounds bytes too.
const PAGE: usize = 50;
/// The stream is looked at after this time, should no news ever be told; timers are looked for as often.
pub(crate) const LOOK: Duration = Duration::from_secs(1);

/// What is done with what comes.
pub(crate) trait Handler {
    /// Handles an entry, for as long as it takes. `Ok` without a commit only after the partition's `stop`.
    fn handle(&self, handed: Handed) -> impl Future<Output = Result<(), StreamsError>>;

    /// Takes an entry off the stream whose handling panicked.
    fn give_up(&self, handed: Handed) -> impl Future<Output = Result<(), StreamsError>>;

    /// Is told whenever a timer was made that is due soon; `None` where the stream comes without timers.
    fn soon(&self) -> Option<&Notify> {
        None
    }

    /// Handles a timer that is due, likewise.
    fn fire(&self, _timer: &str) -> impl Future<Output = Result<(), StreamsError>> {
        std::future::ready(Ok(()))
    }

    /// Takes a timer off whose handling panicked.
    fn give_up_timer(&self, _timer: &str) -> impl Future<Output = Result<(), StreamsError>> {
        std::future::ready(Ok(()))
    }
}

/// Reads `group`'s stream and handles its entries until the partition is handed over: first what an earlier owner left
/// unfinished, then what is new; and due timers meanwhile. At most `most` lanes have entries in memory, and at most as many
/// timers join them; of a lane only the first few entries, so that one profile that waits does not take the room of the others.
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
    let mut timers = handler.soon().map(|soon| Timers::new(redis, held, group.stream(), soon, most));
    let mut running = FuturesUnordered::new();
    let mut from = From::Pending(StreamId::default());
    // Taken up before the first read: an entry that comes in between is read, or is news.
    let news = watch.watch(p, group.stream(), redis.last_id(&held.fence, group.stream()).await?);
    let start = |queued| in_lane(redis, held, group, queued, handler);

    while !held.stop.is_cancelled() {
        while let Some(timer) = timers.as_mut().and_then(Timers::take) {
            running.extend(queues.join(Item::Timer(timer)).map(start));
        }
        let in_lanes = timers.as_ref().map_or(0, Timers::in_lanes);
        if queues.have_room(in_lanes) {
            let page = redis.read_group(&held.fence, group, from, PAGE).await?;
            let last = page.last().map(|handed| handed.entry.id);
            let more = !page.is_empty() || matches!(from, From::Pending(_));
            for handed in page {
                running.extend(queues.join(Item::Entry(handed)).map(start));
            }
            if let (Some(timers), From::New) = (&mut timers, from) {
                timers.read(last);
            }
            from = match (from, last) {
                (From::Pending(_), Some(last)) => From::Pending(last),
                _ => From::New,
            };
            if more {
                // However much there is to read, what is in lanes goes on, and timers are looked for.
                while let Some(Some(ended)) = running.next().now_or_never() {
                    running.extend(after(ended, &mut queues, timers.as_mut(), held)?.map(start));
                }
                if let Some(timers) = timers.as_mut().filter(|timers| timers.is_time()) {
                    timers.look().await?;
                }
                continue;
            }
        }
        if timers.as_ref().is_some_and(Timers::has_one) {
            continue;
        }
        // Full, or nothing to read: until a lane is done, there is news, or timers are due.
        tokio::select! {
            () = held.stop.cancelled() => break,
            Some(ended) = running.next() => {
                running.extend(after(ended, &mut queues, timers.as_mut(), held)?.map(start));
            }
            () = news.news(LOOK), if queues.have_room(in_lanes) => {}
            () = timers::time_to_look(&mut timers) => if let Some(timers) = &mut timers {
                timers.look().await?;
            }
        }
    }
    // What runs is finished; what waits is left to the next owner, who reads it as pending, or finds it due.
    while let Some((_, _, outcome)) = running.next().await {
        outcome?;
    }
    Ok(())
}

/// What is next in the lane of something that has ended.
fn after(
    (lane, timer, outcome): Ended,
    queues: &mut Queues,
    timers: Option<&mut Timers<'_>>,
    held: &Held,
) -> Result<Option<Queued>, StreamsError> {
    outcome?;
    if let (Some(timers), Some(timer)) = (timers, timer) {
        timers.done(&timer);
    }
    // What was left unfinished for the next owner must not be overtaken by what is behind it.
    Ok(queues.advance(&lane, held.stop.is_cancelled()))
}

/// A lane, the timer where it was one, and how it went.
type Ended = (Lane, Option<String>, Result<(), StreamsError>);

/// One entry with its data, or a timer.
async fn in_lane(redis: &Redis, held: &Held, group: Group, queued: Queued, handler: &impl Handler) -> Ended {
    let lane = queued.lane().clone();
    let (timer, outcome) = match queued.fetched(redis, held.fence.partition, group.stream()).await {
        Ok(Item::Entry(handed)) => (None, isolated(handler, handed).await),
        Ok(Item::Timer(timer)) => {
            let outcome = isolated_timer(handler, &timer).await;
            (Some(timer), outcome)
        }
        Err(error) => (None, Err(error)),
    };
    (lane, timer, outcome)
}

/// A panic costs the entry that it came with.
async fn isolated(handler: &impl Handler, handed: Handed) -> Result<(), StreamsError> {
    match AssertUnwindSafe(handler.handle(handed.clone())).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(_) => handler.give_up(handed).await,
    }
}

/// Or the timer.
async fn isolated_timer(handler: &impl Handler, timer: &str) -> Result<(), StreamsError> {
    match AssertUnwindSafe(handler.fire(timer)).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(_) => handler.give_up_timer(timer).await,
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
        timers_given_up: Mutex<Vec<String>>,
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

        async fn fire(&self, timer: &str) -> Result<(), StreamsError> {
            assert!(timer != "bad", "this timer makes this handler panic");
            Ok(())
        }

        async fn give_up_timer(&self, timer: &str) -> Result<(), StreamsError> {
            self.timers_given_up.lock().unwrap().push(timer.to_owned());
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

    #[tokio::test]
    async fn so_is_a_timer() {
        let handler = Fragile::default();
        for timer in ["good", "bad"] {
            isolated_timer(&handler, timer).await.unwrap();
        }
        assert_eq!(*handler.timers_given_up.lock().unwrap(), ["bad"]);
    }
}
