//! The order of an owned stream: a lane for each profile, one thing of a lane at a time, lanes beside each other
//! (docs/protocol.md §6). Due timers join the lanes of their profiles, behind what is there already.

mod items;
mod queues;
mod seats;
mod timers;

use futures::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use items::{Item, Lane, PutOff, Queued};
use queues::Queues;
use seats::Seats;
pub(crate) use seats::{Bounds, Seat};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
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
    /// Handles an entry, for as long as it takes; while it only waits, it gives its seat back. `Ok` without a commit only
    /// after the partition's `stop`.
    fn handle(&self, handed: Handed, seat: &Seat<'_>) -> impl Future<Output = Result<(), StreamsError>>;

    /// Takes an entry off the stream whose handling panicked.
    fn give_up(&self, handed: Handed) -> impl Future<Output = Result<(), StreamsError>>;

    /// Is told whenever a timer was made that is due soon; `None` where the stream comes without timers.
    fn soon(&self) -> Option<&Notify> {
        None
    }

    /// Handles a timer that is due, likewise.
    fn fire(&self, _timer: &str, _seat: &Seat<'_>) -> impl Future<Output = Result<(), StreamsError>> {
        std::future::ready(Ok(()))
    }

    /// Takes a timer off whose handling panicked.
    fn give_up_timer(&self, _timer: &str) -> impl Future<Output = Result<(), StreamsError>> {
        std::future::ready(Ok(()))
    }
}

/// Reads `group`'s stream and handles its entries until the partition is handed over: first what an earlier owner left
/// unfinished, then what is new; and due timers meanwhile. In `bounds.lanes` lanes entries are worked on at most, and in as many
/// timers; `bounds.waiting` further ones only wait. What may not begin waits as an id, so that neither one profile nor one
/// tenant that waits takes the room of the others.
///
/// # Errors
/// The first error of a read or of a handler: nothing in memory is trusted after one, and the entries are still there.
pub(crate) async fn run(
    redis: &Redis,
    watch: &Arc<Watch>,
    held: &Held,
    group: Group,
    bounds: Bounds,
    handler: &impl Handler,
) -> Result<(), StreamsError> {
    let p = held.fence.partition;
    redis.ensure_group(p, group).await?;
    let seats = Seats::default();
    let mut queues = Queues::new(&seats, bounds);
    let mut timers = handler.soon().map(|soon| Timers::new(redis, held, group.stream(), soon));
    let work = Work { redis, held, group, seats: &seats, handler };
    let mut running = FuturesUnordered::new();
    let mut from = From::Pending(StreamId::default());
    // Taken up before the first read: an entry that comes in between is read, or is news.
    let news = watch.watch(p, group.stream(), redis.last_id(&held.fence, group.stream()).await?);
    let step = |step| work.step(step);

    // What ends while something is read.
    let mut ended = Vec::new();
    while !held.stop.is_cancelled() {
        for ended in ended.drain(..) {
            running.extend(after(ended, &mut queues, timers.as_mut(), held)?.map(step));
        }
        while let Some(put_off) = queues.next_put_off() {
            running.push(step(Step::Fetch(put_off)));
        }
        while queues.have_room_for_timer()
            && let Some(timer) = timers.as_mut().and_then(Timers::take)
        {
            running.extend(queues.join(Item::Timer(timer)).map(Step::Handle).map(step));
        }
        if queues.have_room() {
            let reading = redis.read_group(&held.fence, group, from, PAGE);
            let page = beside(&mut running, &mut ended, reading).await?;
            let last = page.last().map(|handed| handed.entry.id);
            let more = !page.is_empty() || matches!(from, From::Pending(_));
            for handed in page {
                running.extend(queues.join(Item::Entry(handed)).map(Step::Handle).map(step));
            }
            if let (Some(timers), From::New) = (&mut timers, from) {
                timers.read(last);
            }
            from = match (from, last) {
                (From::Pending(_), Some(last)) => From::Pending(last),
                _ => From::New,
            };
            if more {
                // However much there is to read, timers are looked for.
                if let Some(timers) = timers.as_mut().filter(|timers| timers.is_time()) {
                    beside(&mut running, &mut ended, timers.look()).await?;
                }
                continue;
            }
        }
        let (has_room, has_room_for_timer) = (queues.have_room(), queues.have_room_for_timer());
        if !ended.is_empty() || has_room_for_timer && timers.as_ref().is_some_and(Timers::has_one) {
            continue;
        }
        // Full, or nothing to read: until a lane is done or only waits, there is news, or timers are due.
        tokio::select! {
            () = held.stop.cancelled() => break,
            Some(one) = running.next() => ended.push(one),
            () = news.news(LOOK), if has_room => {}
            () = seats.freed(), if !has_room || !has_room_for_timer => {}
            () = timers::time_to_look(&mut timers) => if let Some(timers) = &mut timers {
                beside(&mut running, &mut ended, timers.look()).await?;
            }
        }
    }
    seats.stopped();
    // What runs is finished; what waits is left to the next owner, who reads it as pending, or finds it due.
    loop {
        for ended in ended.drain(..) {
            if let Ended::Handled(_, _, outcome) = ended {
                outcome?;
            }
        }
        match running.next().await {
            Some(one) => ended.push(one),
            None => return Ok(()),
        }
    }
}

/// Does something while all that runs goes on. *Otherwise* what runs may hold what this needs: a place in the line of those who
/// ask Redis, say, which whoever is not polled does not give up.
async fn beside<T>(
    running: &mut FuturesUnordered<impl Future<Output = Ended>>,
    ended: &mut Vec<Ended>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            Some(one) = running.next() => ended.push(one),
        }
    }
}

/// What follows something that has ended.
fn after(
    ended: Ended,
    queues: &mut Queues<'_>,
    timers: Option<&mut Timers<'_>>,
    held: &Held,
) -> Result<Option<Step>, StreamsError> {
    // What was left unfinished for the next owner must not be overtaken by what is behind it.
    let is_stopping = held.stop.is_cancelled();
    let next = match ended {
        Ended::Fetched(tenant, item) => {
            let item = item?;
            if is_stopping { None } else { queues.arrived(tenant, item) }
        }
        Ended::Handled(lane, timer, outcome) => {
            outcome?;
            if let (Some(timers), Some(timer)) = (timers, timer) {
                timers.done(&timer);
            }
            queues.advance(&lane, is_stopping)
        }
    };
    Ok(next.map(Step::Handle))
}

/// What is under way.
enum Step {
    /// Something is handled, in its lane.
    Handle(Queued),
    /// Something that was put off is fetched: then its lane is known.
    Fetch(PutOff),
}

/// How it went.
#[allow(clippy::large_enum_variant, reason = "it is taken apart at once")]
enum Ended {
    /// A lane; the timer, where it was one.
    Handled(Lane, Option<String>, Result<(), StreamsError>),
    /// The tenant.
    Fetched(String, Result<Item, StreamsError>),
}

struct Work<'a, H> {
    redis: &'a Redis,
    held: &'a Held,
    group: Group,
    seats: &'a Seats,
    handler: &'a H,
}

impl<H: Handler> Work<'_, H> {
    async fn step(&self, step: Step) -> Ended {
        let (p, stream) = (self.held.fence.partition, self.group.stream());
        match step {
            Step::Handle(queued) => {
                let lane = queued.lane.clone();
                let (timer, outcome) = match queued.fetched(self.redis, p, stream).await {
                    Ok(item) => self.handle(item).await,
                    Err(error) => (None, Err(error)),
                };
                Ended::Handled(lane, timer, outcome)
            }
            Step::Fetch(put_off) => {
                let tenant = put_off.tenant.clone();
                Ended::Fetched(tenant, put_off.fetched(self.redis, p, stream).await)
            }
        }
    }

    async fn handle(&self, item: Item) -> (Option<String>, Result<(), StreamsError>) {
        let seat = Seat::new(self.seats, matches!(item, Item::Timer(_)));
        match item {
            Item::Entry(handed) => (None, isolated(self.handler, handed, &seat).await),
            Item::Timer(timer) => {
                let outcome = isolated_timer(self.handler, &timer, &seat).await;
                (Some(timer), outcome)
            }
        }
    }
}

/// A panic costs the entry that it came with.
async fn isolated(handler: &impl Handler, handed: Handed, seat: &Seat<'_>) -> Result<(), StreamsError> {
    match AssertUnwindSafe(handler.handle(handed.clone(), seat)).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(_) => handler.give_up(handed).await,
    }
}

/// Or the timer.
async fn isolated_timer(handler: &impl Handler, timer: &str, seat: &Seat<'_>) -> Result<(), StreamsError> {
    match AssertUnwindSafe(handler.fire(timer, seat)).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(_) => handler.give_up_timer(timer).await,
    }
}

#[cfg(test)]
mod tests;
