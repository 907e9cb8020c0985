//! Due timers become deliveries: each destination at its own pace, each timer once at a time.
//!
//! The loop scans for due timers and queues them by destination ("lane"). A lane with a queue asks for one of its
//! destination's permits, which all partitions of the process share in the order of asking; with the permit its next
//! delivery begins. So a destination that hangs holds its own permits and nothing else.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use lru::LruCache;
use tokio::{
    sync::Notify,
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until, timeout},
};
use tributary_model::StreamId;
use tributary_streams::{Held, StreamsError};

use crate::{delivery, destinations::lane_of, partition::Dispatcher, permits::Permit};

/// How many due timers a scan asks for. It asks for more, up to the widest window, while all that it finds belong to
/// lanes that are full: the timers of others may lie behind them.
const WINDOW: usize = 500;
const WIDEST: usize = 32 * WINDOW;
/// How many timers of a lane are queued; those beyond stay due and are found later.
const QUEUED: usize = 500;
/// The longest time between two scans.
const LOOK: Duration = Duration::from_secs(1);
/// The shortest, for the narrowest window: every delivery that ends asks for a scan.
const PAUSE: Duration = Duration::from_millis(50);
/// Of how many timers it is remembered which version was delivered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).expect("more than zero");

/// Fires due timers until the partition is to be handed over, and then lets what is under way finish, for a while.
pub(crate) async fn fire_due(
    dispatcher: &Arc<Dispatcher>,
    held: &Held,
    scheduled: &Notify,
) -> Result<(), StreamsError> {
    let mut firing = Firing::new(dispatcher.clone(), held.clone());
    let mut next_scan = Instant::now();
    loop {
        tokio::select! {
            () = held.stop.cancelled() => break,
            () = sleep_until(next_scan) => next_scan = firing.scan().await?,
            () = scheduled.notified() => next_scan = next_scan.min(firing.soon()),
            Some((lane, permit)) = firing.asking.next() => firing.begin(lane, permit),
            Some(ended) = firing.sending.join_next() => {
                firing.ended(ended)?;
                next_scan = next_scan.min(firing.soon());
            }
        }
    }
    let finish = dispatcher.finish;
    match timeout(finish, firing.finish()).await {
        Ok(finished) => finished,
        Err(_) => {
            let (partition, left) = (held.fence.partition.0, firing.sending.len());
            tracing::warn!(partition, left, "deliveries were broken off; the next owner repeats them");
            Ok(())
        }
    }
}

struct Firing {
    dispatcher: Arc<Dispatcher>,
    held: Held,
    scanned: Instant,
    window: usize,
    /// Timers that are queued or under way.
    busy: HashSet<String>,
    /// By lane; each one here has a question for a permit among `asking`.
    queues: HashMap<String, VecDeque<String>>,
    asking: FuturesUnordered<BoxFuture<'static, (String, Permit)>>,
    sending: JoinSet<Ended>,
    delivered: LruCache<String, StreamId>,
}

/// A timer, and the version that its destination has now.
type Ended = (String, Result<Option<StreamId>, StreamsError>);

impl Firing {
    fn new(dispatcher: Arc<Dispatcher>, held: Held) -> Self {
        Self {
            dispatcher,
            held,
            scanned: Instant::now(),
            window: WINDOW,
            busy: HashSet::new(),
            queues: HashMap::new(),
            asking: FuturesUnordered::new(),
            sending: JoinSet::new(),
            delivered: LruCache::new(REMEMBERED),
        }
    }

    /// Queues what is due and answers when to look again.
    async fn scan(&mut self) -> Result<Instant, StreamsError> {
        let due = self.dispatcher.redis.due_timers(&self.held.fence, self.window).await?;
        self.scanned = Instant::now();
        let full = due.timers.len() >= self.window;
        let mut queued = 0;
        for timer in due.timers {
            queued += usize::from(self.queue(timer));
        }
        if !full {
            self.window = WINDOW;
        } else if queued == 0 && self.window < WIDEST {
            self.window *= 2;
            return Ok(self.soon());
        }
        let next = due.next.map_or(LOOK, |next| next.min(LOOK));
        Ok((self.scanned + next).max(self.soon()))
    }

    /// The earliest time for the next scan. Wide ones are costly, and rarer.
    fn soon(&self) -> Instant {
        let width = u32::try_from(self.window / WINDOW).unwrap_or(u32::MAX);
        self.scanned + PAUSE.saturating_mul(width)
    }

    fn queue(&mut self, timer: String) -> bool {
        if self.busy.contains(&timer) {
            return false;
        }
        let lane = lane_of(&timer).to_owned();
        let is_new = !self.queues.contains_key(&lane);
        let queue = self.queues.entry(lane.clone()).or_default();
        if queue.len() >= QUEUED {
            return false;
        }
        self.busy.insert(timer.clone());
        queue.push_back(timer);
        if is_new {
            self.ask(lane);
        }
        true
    }

    /// Asks for the lane's next permit. Permits go to those who ask in the order of asking, over all partitions.
    fn ask(&mut self, lane: String) {
        let permits = self.dispatcher.destinations.current().permits(&lane);
        self.asking.push(async move { (lane, permits.acquire().await) }.boxed());
    }

    /// Begins the lane's next delivery, and asks again if it has more.
    fn begin(&mut self, lane: String, permit: Permit) {
        let Some(queue) = self.queues.get_mut(&lane) else { return };
        let next = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(&lane);
        } else {
            self.ask(lane);
        }
        let Some(timer) = next else { return };
        let (dispatcher, fence) = (self.dispatcher.clone(), self.held.fence.clone());
        let delivered = self.delivered.get(&timer).copied();
        self.sending.spawn(async move {
            let outcome = delivery::fire(&dispatcher, &fence, &timer, delivered).await;
            drop(permit);
            (timer, outcome)
        });
    }

    fn ended(&mut self, ended: Result<Ended, JoinError>) -> Result<(), StreamsError> {
        match ended {
            Ok((timer, outcome)) => {
                self.busy.remove(&timer);
                if let Some(version) = outcome? {
                    self.delivered.put(timer, version);
                }
            }
            // Its timer stays busy, so that it is not tried again at once and for ever: the others go on.
            Err(panic) => {
                tracing::error!(partition = self.held.fence.partition.0, %panic, "a delivery panicked");
            }
        }
        Ok(())
    }

    /// Waits for what is under way; what is only queued stays due.
    async fn finish(&mut self) -> Result<(), StreamsError> {
        self.asking.clear();
        self.queues.clear();
        while let Some(ended) = self.sending.join_next().await {
            self.ended(ended)?;
        }
        Ok(())
    }
}
