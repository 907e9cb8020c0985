//! Who works, and who only waits: for an answer, for a database that is away. Whoever waits gives its seat back, so that what
//! waits for others does not keep out what could be done.

use std::pin::pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// What lasts longer than this is waiting.
const SLOW: Duration = Duration::from_millis(100);

/// How many lanes may be begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Those in which something is worked on; as many again for timers.
    pub(crate) lanes: usize,
    /// Those that only wait, beside these.
    pub(crate) waiting: usize,
}

impl Bounds {
    /// All that may be begun.
    pub(super) fn all(self) -> usize {
        self.lanes + self.waiting
    }
}

/// What the things in the lanes of one stream share.
#[derive(Default)]
pub(super) struct Seats {
    /// Entries that rest, and timers.
    entries: AtomicUsize,
    timers: AtomicUsize,
    /// One has begun to rest: there may be room.
    freed: Notify,
    stopped: OnceLock<Instant>,
}

impl Seats {
    /// How many entries only wait.
    pub(super) fn resting_entries(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    /// How many timers only wait.
    pub(super) fn resting_timers(&self) -> usize {
        self.timers.load(Ordering::Relaxed)
    }

    /// Waits until one has begun to rest.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// When the partition was found to be handed over; the first who asks finds it so.
    pub(super) fn stopped(&self) -> Instant {
        *self.stopped.get_or_init(Instant::now)
    }

    fn resting(&self, is_timer: bool) -> &AtomicUsize {
        if is_timer { &self.timers } else { &self.entries }
    }
}

/// The seat of one thing, while it is handled.
pub(crate) struct Seat<'p> {
    seats: &'p Seats,
    is_timer: bool,
    /// How many of its waits are under way; all of them are one rest.
    waits: AtomicUsize,
}

impl<'p> Seat<'p> {
    pub(super) fn new(seats: &'p Seats, is_timer: bool) -> Self {
        Self { seats, is_timer, waits: AtomicUsize::new(0) }
    }

    /// Waits for this, which is no work of this process; others may have the seat meanwhile. Afterwards the work goes on at
    /// once: it has begun, and nothing new begins instead of it.
    pub(crate) async fn resting<T>(&self, waiting: impl Future<Output = T>) -> T {
        let _wait = Wait::new(self);
        waiting.await
    }

    /// Likewise, from when it has turned out to take long. Not for what Redis is asked: while the process has more to do than it
    /// can, that is slow too, and beginning more would make it slower still.
    pub(crate) async fn resting_if_slow<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        match timeout(SLOW, &mut work).await {
            Ok(done) => done,
            Err(_) => self.resting(work).await,
        }
    }

    /// When the partition was found to be handed over: to be asked once it is. The same for all that is in hand, however late.
    pub(crate) fn stopped(&self) -> Instant {
        self.seats.stopped()
    }
}

/// A wait under way, also where its future is dropped.
struct Wait<'w> {
    seat: &'w Seat<'w>,
}

impl<'w> Wait<'w> {
    fn new(seat: &'w Seat<'_>) -> Self {
        if seat.waits.fetch_add(1, Ordering::Relaxed) == 0 {
            seat.seats.resting(seat.is_timer).fetch_add(1, Ordering::Relaxed);
            seat.seats.freed.notify_one();
        }
        Self { seat }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if self.seat.waits.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.seat.seats.resting(self.seat.is_timer).fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use std::future::pending;
    use tokio::time::sleep;

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_gives_its_place_back_once_until_the_wait_ends_or_is_dropped() {
        let seats = Seats::default();
        let seat = Seat::new(&seats, false);
        let mut two =
            Box::pin(async { tokio::join!(seat.resting(pending::<()>()), seat.resting(pending::<()>())) });
        assert!((&mut two).now_or_never().is_none());
        assert_eq!((seats.resting_entries(), seats.resting_timers()), (1, 0));
        assert!(seats.freed().now_or_never().is_some(), "whoever reads is told");
        drop(two);
        assert_eq!(seats.resting_entries(), 0);
        let timer = Seat::new(&seats, true);
        timer.resting(async { assert_eq!(seats.resting_timers(), 1) }).await;
        assert_eq!(seats.resting_timers(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_in_a_moment_was_no_wait() {
        let seats = Seats::default();
        let seat = Seat::new(&seats, false);
        seat.resting_if_slow(sleep(SLOW / 2)).await;
        assert!(seats.freed().now_or_never().is_none());
        let mut slow = Box::pin(seat.resting_if_slow(sleep(2 * SLOW)));
        tokio::select! {
            () = &mut slow => panic!("it takes longer"),
            () = seats.freed() => assert_eq!(seats.resting_entries(), 1),
        }
        slow.await;
        assert_eq!(seats.resting_entries(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_moment_of_the_handing_over_is_the_same_for_all_and_stays() {
        let seats = Seats::default();
        let found = Seat::new(&seats, false).stopped();
        tokio::time::advance(SLOW).await;
        assert_eq!(Seat::new(&seats, true).stopped(), found);
    }
}
