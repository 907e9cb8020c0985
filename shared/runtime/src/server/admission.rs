//! How many calls are worked on at once. One too many is told to come back and not kept waiting: a queue in front of a
//! server that is too slow only makes every answer late.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::fault::{Fault, Problem};

/// Calls take milliseconds, so that a second later there is room unless the overload is lasting.
const RETRY_AFTER: Duration = Duration::from_secs(1);

pub(super) struct Admission {
    places: Arc<Semaphore>,
}

impl Admission {
    pub(super) fn new(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))) }
    }

    /// A place until the permit is dropped, or the refusal.
    pub(super) fn enter(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            Problem::new(Fault::Exhausted, "OVERLOADED", "too many calls at once; this one was not begun")
                .retry_after(RETRY_AFTER)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_is_refused_with_a_delay_until_a_place_is_free() {
        let admission = Admission::new(1);
        let permit = admission.enter().unwrap();
        let problem = admission.enter().unwrap_err();
        assert_eq!(problem.reason, "OVERLOADED");
        assert!(problem.is_retryable());
        drop(permit);
        assert!(admission.enter().is_ok());
    }
}
