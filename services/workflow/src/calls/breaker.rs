//! The circuit breaker of one host: after failures in a row nobody calls it for a while, then one attempt finds out whether
//! it is back. Pure: the time is passed in.

use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row open the circuit.
pub(super) const FAILURES: u32 = 10;
/// How long it stays open the first time.
pub(super) const FIRST: Duration = Duration::from_secs(5);
/// Twice as long each time that the host is not back, up to this.
pub(super) const LONGEST: Duration = Duration::from_secs(60);

/// The breaker.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaker {
    state: State,
    /// Counts openings: what an attempt of before has to say is no news.
    round: u64,
}

#[derive(Debug, Clone)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
        pause: Duration,
    },
    /// One attempt is under way, to find out; `pause` was the one before it.
    Probing {
        pause: Duration,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// Leave for one attempt. To be given back by [`Breaker::tell`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leave {
    round: u64,
    probe: bool,
}

/// What an attempt tells about its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// It answered, be it with a refusal.
    Well,
    /// It did not answer, or is broken.
    Ill,
    /// Nothing: the attempt was broken off here.
    Unknown,
}

impl Breaker {
    /// Whether an attempt may be made now; `None` where the circuit is open.
    pub(super) fn admit(&mut self, now: Instant) -> Option<Leave> {
        match self.state {
            State::Closed { .. } => Some(Leave { round: self.round, probe: false }),
            State::Open { until, pause } if now >= until => {
                self.state = State::Probing { pause };
                Some(Leave { round: self.round, probe: true })
            }
            State::Open { .. } | State::Probing { .. } => None,
        }
    }

    /// Whether [`Breaker::admit`] would refuse.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        match self.state {
            State::Closed { .. } => false,
            State::Open { until, .. } => now < until,
            State::Probing { .. } => true,
        }
    }

    /// Takes what came of an attempt.
    pub(super) fn tell(&mut self, leave: Leave, health: Health, now: Instant) {
        if leave.round != self.round {
            return;
        }
        match (&mut self.state, health) {
            (State::Closed { failures }, Health::Well) => *failures = 0,
            (State::Closed { failures }, Health::Ill) => {
                *failures += 1;
                if *failures >= FAILURES {
                    self.open(now, FIRST);
                }
            }
            (State::Probing { .. }, Health::Well) if leave.probe => {
                self.round += 1;
                self.state = State::default();
            }
            (State::Probing { pause }, Health::Ill) if leave.probe => {
                let longer = pause.saturating_mul(2).min(LONGEST);
                self.open(now, longer);
            }
            // Whoever comes next finds out.
            (State::Probing { pause }, Health::Unknown) if leave.probe => {
                self.state = State::Open { until: now, pause: *pause };
            }
            _ => {}
        }
    }

    fn open(&mut self, now: Instant, pause: Duration) {
        self.round += 1;
        self.state = State::Open { until: now + pause, pause };
    }
}

#[cfg(test)]
mod tests;
