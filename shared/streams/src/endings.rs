//! Waiting for the ends of events that others handle: one subscription for all who wait in a process (docs/protocol.md §6).
//!
//! What is announced is a hint: whoever is told looks at the event's [`progress`](crate::Redis::progress), and looks again
//! after a while where nothing was told.

use crate::connection::Redis;
use crate::{StreamsError, keys};
use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tributary_model::{EventId, PartitionId, TenantId};

/// How often a silent connection is asked whether it lives, and whether partitions that nobody waits in are given up.
const ROUND: Duration = Duration::from_secs(5);
/// How long a partition stays subscribed after the last who waited there: the next one will come soon.
const LINGER: Duration = Duration::from_secs(30);
/// After an error: Redis is away, and the connection is made anew.
const PAUSE: Duration = Duration::from_millis(500);

/// Tells those who wait for events that these have ended. Cheap to clone; clones share one connection.
#[derive(Clone)]
pub struct Endings {
    redis: Redis,
    board: Arc<Board>,
}

/// Who waits for what. Bounded by those who wait: nothing is queued.
#[derive(Default)]
struct Board {
    partitions: Mutex<HashMap<PartitionId, Channel>>,
    /// A partition is waited in that is not subscribed, or the connection is gone.
    work: Notify,
}

#[derive(Default)]
struct Channel {
    subscribed: bool,
    waiting: HashMap<String, Vec<Arc<Notify>>>,
    /// Since when nobody waits.
    idle: Option<Instant>,
}

/// Somebody who waits for the end of one event, until this is dropped.
pub struct Expectation {
    board: Arc<Board>,
    p: PartitionId,
    name: String,
    told: Arc<Notify>,
}

impl Redis {
    /// Nothing is told before [`Endings::run`] runs.
    pub fn endings(&self) -> Endings {
        Endings { redis: self.clone(), board: Arc::default() }
    }
}

impl Endings {
    /// Begins to wait. What ends from here on is not missed: take this first, then look at the event's
    /// [`progress`](crate::Redis::progress), then [`wait`](Expectation::wait).
    pub fn expect(&self, p: PartitionId, tenant: &TenantId, event: &EventId) -> Expectation {
        self.board.expect(p, keys::ending(tenant, event))
    }

    /// Waits until the event may have ended, or `longest` is over.
    pub async fn wait(&self, p: PartitionId, tenant: &TenantId, event: &EventId, longest: Duration) {
        self.expect(p, tenant, event).wait(longest).await;
    }

    /// Listens until `stopping`, on a connection of its own; once for all clones. While nobody waits there is none.
    pub async fn run(self, stopping: CancellationToken) {
        while stopping.run_until_cancelled(self.board.work.notified()).await.is_some() {
            if self.board.partitions().is_empty() {
                continue;
            }
            if let Some(Err(error)) = stopping.run_until_cancelled(self.listen()).await {
                tracing::debug!(%error, "cannot listen for the ends of events");
                stopping.run_until_cancelled(sleep(PAUSE)).await;
            }
            self.board.disconnected();
        }
    }

    /// One connection's life: until it breaks, or nobody has waited for a while.
    async fn listen(&self) -> Result<(), StreamsError> {
        let board = self.board.clone();
        let mut connection = self.redis.listening(move |push| board.hear(&push)).await?;
        loop {
            for p in self.board.unsubscribed() {
                command(&mut connection, "SSUBSCRIBE", p).await?;
                self.board.subscribed(p);
            }
            let _ = tokio::time::timeout(ROUND, self.board.work.notified()).await;
            for p in self.board.take_idle() {
                command(&mut connection, "SUNSUBSCRIBE", p).await?;
            }
            if self.board.partitions().is_empty() {
                return Ok(());
            }
            redis::cmd("PING").query_async::<Value>(&mut connection).await?;
        }
    }
}

async fn command(
    connection: &mut MultiplexedConnection,
    name: &str,
    p: PartitionId,
) -> Result<(), StreamsError> {
    redis::cmd(name).arg(keys::endings(p)).query_async::<Value>(connection).await?;
    Ok(())
}

impl Board {
    fn expect(self: &Arc<Self>, p: PartitionId, name: String) -> Expectation {
        let told = Arc::new(Notify::new());
        let mut partitions = self.partitions();
        let channel = partitions.entry(p).or_default();
        channel.waiting.entry(name.clone()).or_default().push(told.clone());
        channel.idle = None;
        if !channel.subscribed {
            self.work.notify_one();
        }
        drop(partitions);
        Expectation { board: self.clone(), p, name, told }
    }

    fn unsubscribed(&self) -> Vec<PartitionId> {
        let partitions = self.partitions();
        partitions.iter().filter(|(_, channel)| !channel.subscribed).map(|(p, _)| *p).collect()
    }

    /// From here on ends are heard. One from before may have been missed: all who wait look once more.
    fn subscribed(&self, p: PartitionId) {
        if let Some(channel) = self.partitions().get_mut(&p) {
            channel.subscribed = true;
            channel.waiting.values().flatten().for_each(|told| told.notify_one());
        }
    }

    /// Takes away where nobody has waited for a while.
    fn take_idle(&self) -> Vec<PartitionId> {
        let mut partitions = self.partitions();
        let is_idle = |channel: &Channel| channel.idle.is_some_and(|since| since.elapsed() >= LINGER);
        partitions.extract_if(|_, channel| is_idle(channel)).map(|(p, _)| p).collect()
    }

    fn disconnected(&self) {
        let mut partitions = self.partitions();
        partitions.retain(|_, channel| !channel.waiting.is_empty());
        partitions.values_mut().for_each(|channel| channel.subscribed = false);
        if !partitions.is_empty() {
            self.work.notify_one();
        }
    }

    /// Called by the connection itself: it must not take long.
    fn hear(&self, push: &PushInfo) {
        match (&push.kind, push.data.as_slice()) {
            (PushKind::SMessage, [Value::BulkString(channel), Value::BulkString(name)]) => {
                self.tell(&String::from_utf8_lossy(channel), &String::from_utf8_lossy(name));
            }
            // The next command on it finds out what is wrong.
            (PushKind::Disconnection, _) => self.work.notify_one(),
            _ => {}
        }
    }

    fn tell(&self, channel: &str, name: &str) {
        let Some(p) = keys::partition_of_endings(channel) else { return };
        if let Some(waiting) = self.partitions().get(&p).and_then(|channel| channel.waiting.get(name)) {
            waiting.iter().for_each(|told| told.notify_one());
        }
    }

    fn partitions(&self) -> MutexGuard<'_, HashMap<PartitionId, Channel>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expectation {
    /// Waits until the event may have ended, or `longest` is over. Being told before the call ends it at once. May be called
    /// again: where one was told too early, or nothing.
    pub async fn wait(&self, longest: Duration) {
        let _ = tokio::time::timeout(longest, self.told.notified()).await;
    }
}

impl Drop for Expectation {
    fn drop(&mut self) {
        let mut partitions = self.board.partitions();
        let Some(channel) = partitions.get_mut(&self.p) else { return };
        if let Some(waiting) = channel.waiting.get_mut(&self.name) {
            waiting.retain(|told| !Arc::ptr_eq(told, &self.told));
            if waiting.is_empty() {
                channel.waiting.remove(&self.name);
            }
        }
        if channel.waiting.is_empty() {
            channel.idle = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: PartitionId = PartitionId(3);
    const LONG: Duration = Duration::from_secs(3600);

    fn expect(board: &Arc<Board>, name: &str) -> Expectation {
        board.expect(P, name.to_owned())
    }

    async fn waited(expected: &Expectation) -> Duration {
        let begun = Instant::now();
        expected.wait(LONG).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_told_before_the_wait_ends_it_at_once_and_only_once() {
        let board = Arc::<Board>::default();
        let (one, other) = (expect(&board, "t:1"), expect(&board, "t:2"));
        board.tell(&keys::endings(P), "t:1");
        board.tell(&keys::endings(PartitionId(4)), "t:2");
        board.tell("something else", "t:2");
        assert_eq!(waited(&one).await, Duration::ZERO);
        assert_eq!(waited(&one).await, LONG);
        assert_eq!(waited(&other).await, LONG);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_began_to_wait_before_the_subscription_looks_once_more() {
        let board = Arc::<Board>::default();
        let before = expect(&board, "t:1");
        assert_eq!(board.unsubscribed(), [P]);
        board.subscribed(P);
        let after = expect(&board, "t:1");
        assert_eq!(board.unsubscribed(), []);
        assert_eq!((waited(&before).await, waited(&after).await), (Duration::ZERO, LONG));
        board.disconnected();
        assert_eq!(board.unsubscribed(), [P], "who still waits is subscribed anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_partition_is_given_up_when_nobody_has_waited_there_for_a_while() {
        let board = Arc::<Board>::default();
        let (one, same) = (expect(&board, "t:1"), expect(&board, "t:1"));
        board.subscribed(P);
        drop(one);
        sleep(LINGER).await;
        assert_eq!(board.take_idle(), [], "somebody waits");
        drop(same);
        assert!(board.partitions()[&P].waiting.is_empty(), "nothing is left of who waited");
        assert_eq!(board.take_idle(), []);
        let next = expect(&board, "t:2");
        sleep(LINGER).await;
        assert_eq!(board.take_idle(), [], "another one came");
        drop(next);
        sleep(LINGER).await;
        assert_eq!(board.take_idle(), [P]);
        assert!(board.partitions().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_connection_is_not_made_anew_for_nobody() {
        let board = Arc::<Board>::default();
        drop(expect(&board, "t:1"));
        board.subscribed(P);
        board.disconnected();
        assert!(board.partitions().is_empty());
    }
}
