//! Due timers on their way into lanes. Whatever is in memory only keeps one from being queued twice; which timers there are
//! is looked up in Redis.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tributary_model::StreamId;
use tributary_streams::{Held, Redis, Stream, StreamsError};

use super::LOOK;

/// How many due timers are asked for at once, beside those that are known.
const WINDOW: usize = 500;
/// So many are known at most. A profile has at most 64, and behind those of lanes that wait others are found.
const KNOWN: usize = 16_384;
/// The shortest time between two looks; longer where many are known, all of which are seen again.
const PAUSE: Duration = Duration::from_millis(50);

/// The timers of an owned partition.
pub(super) struct Timers<'a> {
    redis: &'a Redis,
    held: &'a Held,
    stream: Stream,
    soon: &'a Notify,
    queue: Queue,
    looked: Instant,
    next: Instant,
}

/// Which timers are known. Pure.
#[derive(Default)]
struct Queue {
    /// Due, and not in a lane yet; each with the newest entry of the stream when it was found. What is in the stream by then
    /// came before it, so it is handled first: an event that was waited for must not find its run gone on without it, only
    /// because events have piled up.
    ready: VecDeque<(String, StreamId)>,
    /// Ready, or behind something.
    busy: HashSet<String>,
    /// Everything up to here is read from the stream, and in lanes or lines.
    read: StreamId,
    /// The newest entry at the last look.
    newest: StreamId,
}

impl<'a> Timers<'a> {
    /// `soon` tells of new ones.
    pub(super) fn new(redis: &'a Redis, held: &'a Held, stream: Stream, soon: &'a Notify) -> Self {
        let now = Instant::now();
        Self { redis, held, stream, soon, queue: Queue::default(), looked: now, next: now }
    }

    /// New entries were read, up to `last`; `None`: there was none, so all that the last look knew of is read.
    pub(super) fn read(&mut self, last: Option<StreamId>) {
        self.queue.read = self.queue.read.max(last.unwrap_or(self.queue.newest));
    }

    /// Whether it is time to look.
    pub(super) fn is_time(&self) -> bool {
        self.queue.ready.is_empty() && self.next <= Instant::now()
    }

    /// The next one that may join its lane.
    pub(super) fn take(&mut self) -> Option<String> {
        self.queue.take()
    }

    /// Whether there is one that may join its lane.
    pub(super) fn has_one(&self) -> bool {
        self.queue.has_one()
    }

    /// It is out of its lane.
    pub(super) fn done(&mut self, timer: &str) {
        self.queue.busy.remove(timer);
    }

    /// Queues what is due.
    pub(super) async fn look(&mut self) -> Result<(), StreamsError> {
        let window = self.queue.window();
        let due = self.redis.due_timers(&self.held.fence, window).await?;
        self.looked = Instant::now();
        // Afterwards: whatever was appended before a timer was due is below it.
        self.queue.newest = self.redis.last_id(&self.held.fence, self.stream).await?;
        let is_full = due.timers.len() >= window;
        let found =
            due.timers.into_iter().map(|timer| self.queue.add(timer)).filter(|is_new| *is_new).count();
        let pause = self.queue.pause();
        let wait = match due.next {
            _ if is_full && found > 0 => pause,
            Some(next) => next.clamp(pause, LOOK),
            None => LOOK,
        };
        self.next = self.looked + wait;
        Ok(())
    }
}

/// Waits until it is time to look; for ever where there are no timers, or enough are known. Looking itself is not waited for
/// here: it must not be broken off each time that something else happens.
pub(super) async fn time_to_look(timers: &mut Option<Timers<'_>>) {
    let Some(timers) = timers.as_mut().filter(|timers| timers.queue.ready.is_empty()) else {
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            () = sleep_until(timers.next) => return,
            () = timers.soon.notified() => timers.next = timers.next.min(timers.looked + timers.queue.pause()),
        }
    }
}

impl Queue {
    /// More than are known, so that a look finds others behind those.
    fn window(&self) -> usize {
        (self.busy.len() + WINDOW).min(KNOWN)
    }

    fn pause(&self) -> Duration {
        let windows = u32::try_from(self.busy.len() / WINDOW).unwrap_or(u32::MAX);
        PAUSE.saturating_mul(windows.saturating_add(1)).min(LOOK)
    }

    /// Whether it was not known.
    fn add(&mut self, timer: String) -> bool {
        let is_new = self.busy.insert(timer.clone());
        if is_new {
            self.ready.push_back((timer, self.newest));
        }
        is_new
    }

    fn take(&mut self) -> Option<String> {
        if self.has_one() { self.ready.pop_front().map(|(timer, _)| timer) } else { None }
    }

    fn has_one(&self) -> bool {
        self.ready.front().is_some_and(|(_, newest)| *newest <= self.read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_queued_once_and_again_only_after_it_was_done() {
        let mut queue = Queue::default();
        for timer in ["a", "a", "b"] {
            queue.add(timer.to_owned());
        }
        assert_eq!((queue.take().as_deref(), queue.take().as_deref()), (Some("a"), Some("b")));
        queue.add("a".to_owned());
        assert_eq!(queue.take(), None, "it is in its lane");
        queue.busy.remove("a");
        queue.add("a".to_owned());
        assert_eq!(queue.take().as_deref(), Some("a"), "what is still due is fired again");
    }

    #[test]
    fn what_was_in_the_stream_when_a_timer_was_found_comes_before_it() {
        let mut queue = Queue { newest: StreamId::new(7, 0), read: StreamId::new(6, 0), ..Queue::default() };
        queue.add("a".to_owned());
        assert_eq!(queue.take(), None, "7-0 is not read yet");
        queue.newest = StreamId::new(9, 0);
        queue.read = StreamId::new(7, 0);
        assert_eq!(queue.take().as_deref(), Some("a"), "what came later need not be");
    }

    #[test]
    fn a_look_reaches_beyond_what_is_known_and_is_rarer_the_more_that_is() {
        let mut queue = Queue::default();
        assert_eq!((queue.window(), queue.pause()), (WINDOW, PAUSE));
        for number in 0..2 * WINDOW {
            queue.add(number.to_string());
            while queue.take().is_some() {}
        }
        assert_eq!((queue.window(), queue.pause()), (3 * WINDOW, 3 * PAUSE));
        for number in 0..2 * KNOWN {
            queue.add(number.to_string());
        }
        assert_eq!((queue.window(), queue.pause()), (KNOWN, LOOK));
    }
}
