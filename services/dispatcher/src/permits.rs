//! How many requests to a destination may be under way in this process, whatever becomes of the configuration meanwhile.
//!
//! A destination keeps its permits over revisions: a new set of them beside those that are out would be too many at once
//! for the external system.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The permits of every destination, by lane.
#[derive(Default)]
pub(crate) struct AllPermits(Mutex<HashMap<String, Arc<Permits>>>);

impl AllPermits {
    /// Sets how many requests each lane may have under way, and answers their permits in the same order. Of lanes that are
    /// not among them, those are forgotten whose last request has ended.
    pub(crate) fn of(&self, lanes: &[(String, usize)]) -> Vec<Arc<Permits>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, permits| Arc::strong_count(permits) > 1);
        let permits = lanes.iter().map(|(lane, wanted)| {
            let permits = all.entry(lane.clone()).or_insert_with(|| Permits::new(*wanted));
            permits.resize(*wanted);
            permits.clone()
        });
        permits.collect()
    }
}

/// The permits of one destination. Whoever asks first is given one first.
pub(crate) struct Permits {
    semaphore: Arc<Semaphore>,
    counts: Mutex<Counts>,
}

struct Counts {
    wanted: usize,
    /// Those free and those that are out. More than wanted, until as many as are too much have come back.
    there: usize,
}

/// Leave for one request. Given back when dropped.
pub(crate) struct Permit {
    permits: Arc<Permits>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Permits {
    pub(crate) fn new(wanted: usize) -> Arc<Self> {
        let counts = Mutex::new(Counts { wanted, there: wanted });
        Arc::new(Self { semaphore: Arc::new(Semaphore::new(wanted)), counts })
    }

    /// Waits for a permit.
    pub(crate) async fn acquire(self: Arc<Self>) -> Permit {
        let permit = self.semaphore.clone().acquire_owned().await.expect("nobody closes the semaphore");
        Permit { permits: self, permit: Some(permit) }
    }

    fn resize(&self, wanted: usize) {
        let mut counts = self.counts();
        counts.wanted = wanted;
        if wanted > counts.there {
            self.semaphore.add_permits(wanted - counts.there);
            counts.there = wanted;
        } else {
            counts.there -= self.semaphore.forget_permits(counts.there - wanted);
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else { return };
        let mut counts = self.permits.counts();
        if counts.there > counts.wanted {
            counts.there -= 1;
            permit.forget();
        } else {
            // Under the lock: whoever shrinks meanwhile would not find it free.
            drop(permit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    fn lane(all: &AllPermits, wanted: usize) -> Arc<Permits> {
        all.of(&[("crm".to_owned(), wanted)]).remove(0)
    }

    /// All that are free now.
    fn take(permits: &Arc<Permits>) -> Vec<Permit> {
        std::iter::from_fn(|| permits.clone().acquire().now_or_never()).collect()
    }

    #[test]
    fn a_revision_that_changes_nothing_gives_no_more() {
        let all = AllPermits::default();
        let before = lane(&all, 3);
        let out = take(&before);
        assert_eq!(out.len(), 3);
        let after = lane(&all, 3);
        assert!(take(&after).is_empty());
        drop(out);
        assert_eq!(take(&after).len(), 3);
    }

    #[test]
    fn fewer_are_given_once_enough_have_come_back() {
        let all = AllPermits::default();
        let permits = lane(&all, 5);
        let mut out = take(&permits);
        lane(&all, 2);
        for still_out in (2..5).rev() {
            out.pop();
            assert_eq!(out.len(), still_out);
            assert!(take(&permits).is_empty(), "{still_out} are out, and two may be");
        }
        out.pop();
        assert_eq!(take(&permits).len(), 1);
    }

    #[test]
    fn what_is_free_goes_at_once_and_comes_back_when_wanted_again() {
        let all = AllPermits::default();
        let permits = lane(&all, 8);
        lane(&all, 1);
        let out = take(&permits);
        assert_eq!(out.len(), 1);
        lane(&all, 4);
        assert_eq!(take(&permits).len(), 3);
    }

    #[test]
    fn a_destination_that_comes_back_waits_for_its_former_requests() {
        let all = AllPermits::default();
        let out = take(&lane(&all, 2));
        all.of(&[]);
        assert!(take(&lane(&all, 2)).is_empty());
        drop(out);
        all.of(&[]);
        assert_eq!(take(&lane(&all, 7)).len(), 7);
    }
}
