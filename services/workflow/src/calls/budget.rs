//! How many further attempts a host is sent: a share of the calls of the last minute, so that retries never multiply an
//! outage. Pure: the time is passed in.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The calls of this time count.
pub(super) const WINDOW: Duration = Duration::from_secs(60);
/// One further attempt for so many calls.
pub(super) const CALLS_PER_RETRY: u64 = 5;
/// So many further attempts are free in a window, or a host that is seldom called would have none.
pub(super) const FREE: u64 = 10;

/// Times are kept as precisely as this.
const GRAIN: Duration = Duration::from_secs(1);

/// The budget of one host.
#[derive(Debug, Clone, Default)]
pub(super) struct RetryBudget {
    /// The oldest first, each with the time at which it began.
    grains: VecDeque<Grain>,
}

#[derive(Debug, Clone, Copy)]
struct Grain {
    since: Instant,
    calls: u64,
    retries: u64,
}

impl RetryBudget {
    /// A call begins.
    pub(super) fn call(&mut self, now: Instant) {
        self.grain(now).calls += 1;
    }

    /// Takes one further attempt out of the budget; `false` where it is used up.
    pub(super) fn retry(&mut self, now: Instant) -> bool {
        self.forget(now);
        let (calls, retries) =
            self.grains.iter().fold((0, 0), |(c, r), grain| (c + grain.calls, r + grain.retries));
        let left = retries < FREE + calls / CALLS_PER_RETRY;
        if left {
            self.grain(now).retries += 1;
        }
        left
    }

    fn grain(&mut self, now: Instant) -> &mut Grain {
        self.forget(now);
        let begun = self.grains.back().is_some_and(|grain| now < grain.since + GRAIN);
        if !begun {
            self.grains.push_back(Grain { since: now, calls: 0, retries: 0 });
        }
        self.grains.back_mut().expect("one was there or was added")
    }

    fn forget(&mut self, now: Instant) {
        while self.grains.front().is_some_and(|grain| grain.since + GRAIN + WINDOW <= now) {
            self.grains.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_host_that_is_seldom_called_has_a_few_and_has_them_again_later() {
        let now = Instant::now();
        let mut budget = RetryBudget::default();
        budget.call(now);
        let taken = (0..100).filter(|_| budget.retry(now)).count();
        assert_eq!(taken as u64, FREE);
        assert!(!budget.retry(now + WINDOW));
        assert!(budget.retry(now + WINDOW + GRAIN));
    }

    proptest! {
        #[test]
        fn within_any_minute_retries_are_a_share_of_calls(
            happenings in prop::collection::vec((0_u64..1_500, any::<bool>()), 0..400),
        ) {
            let begin = Instant::now();
            let (mut now, mut budget) = (begin, RetryBudget::default());
            let (mut calls, mut retries) = (Vec::new(), Vec::new());
            for (millis, is_call) in happenings {
                now += Duration::from_millis(millis);
                if is_call {
                    budget.call(now);
                    calls.push(now);
                    continue;
                }
                if !budget.retry(now) {
                    continue;
                }
                retries.push(now);
                prop_assert!(budget.grains.len() <= 62);
                // Calls count for up to two grains longer than the window, retries never shorter.
                let within = |times: &[Instant], span: Duration| {
                    times.iter().filter(|time| **time + span > now).count() as u64
                };
                let most = FREE + within(&calls, WINDOW + 2 * GRAIN) / CALLS_PER_RETRY;
                prop_assert!(within(&retries, WINDOW) <= most);
            }
        }
    }
}
