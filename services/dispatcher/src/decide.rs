//! What follows from an attempt: done, again later, or given up. Pure.

use std::time::Duration;

use tributary_config::Retry;

/// How an attempt went, as far as the decision goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The destination answered with this status.
    Status {
        /// The HTTP status.
        code: u16,
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// No answer within the destination's timeout.
    Timeout,
    /// Nobody could be connected to.
    Unreachable,
    /// The connection broke before there was an answer.
    Broken,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was taken.
    Done,
    /// Try again after this pause.
    Retry {
        /// From now.
        delay: Duration,
    },
    /// Give up.
    Dead {
        /// Why.
        reason: Reason,
    },
}

/// Why work was given up on; stable, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The destination said that it will never take this.
    Rejected,
    /// All attempts failed.
    AttemptsExhausted,
    /// The configuration does not have the destination any more.
    DestinationUnknown,
    /// Nothing is known of the profile although it was published.
    ProfileMissing,
    /// What the stream or the timer carries cannot be read.
    Unreadable,
}

impl Reason {
    /// As dead letters carry it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "REJECTED",
            Self::AttemptsExhausted => "ATTEMPTS_EXHAUSTED",
            Self::DestinationUnknown => "DESTINATION_UNKNOWN",
            Self::ProfileMissing => "PROFILE_MISSING",
            Self::Unreadable => "UNREADABLE",
        }
    }
}

/// Decides after an attempt that `failed_before` others preceded. `jitter`, 0 to 1, shortens the pause by up to half, so
/// that what failed together does not come back together.
pub(crate) fn decide(answer: Answer, failed_before: u32, policy: &Retry, jitter: f64) -> Outcome {
    let asked = match answer {
        Answer::Status { code: 200..=299, .. } => return Outcome::Done,
        Answer::Status { code, .. } if is_final(code) => return Outcome::Dead { reason: Reason::Rejected },
        // Only with these two does the header speak of the sender's pace.
        Answer::Status { code: 429 | 503, retry_after } => retry_after,
        Answer::Status { .. } | Answer::Timeout | Answer::Unreachable | Answer::Broken => None,
    };
    if failed_before.saturating_add(1) >= policy.attempts {
        return Outcome::Dead { reason: Reason::AttemptsExhausted };
    }
    let pause = pause(failed_before, policy);
    let jittered = pause.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0);
    // A destination may ask for patience, but not for more than the configuration grants.
    Outcome::Retry { delay: jittered.max(asked.unwrap_or_default()).min(policy.longest) }
}

/// The request itself is at fault. The exceptions say "later": timeout, too early, too many.
fn is_final(code: u16) -> bool {
    (400..500).contains(&code) && !matches!(code, 408 | 425 | 429)
}

/// The first pause, doubled with each failure, up to the longest.
fn pause(failed_before: u32, policy: &Retry) -> Duration {
    let doubled = 1_u32.checked_shl(failed_before).unwrap_or(u32::MAX);
    policy.first.saturating_mul(doubled).min(policy.longest)
}

/// What a person reads in a dead letter. Says what the destination did, never what was sent.
pub(crate) fn describe(answer: Answer) -> String {
    match answer {
        Answer::Status { code, .. } => format!("the destination answered with status {code}"),
        Answer::Timeout => "the destination did not answer in time".to_owned(),
        Answer::Unreachable => "the destination could not be connected to".to_owned(),
        Answer::Broken => "the connection to the destination broke before it answered".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: Retry =
        Retry { attempts: 5, first: Duration::from_secs(1), longest: Duration::from_secs(60) };

    fn status(code: u16) -> Answer {
        Answer::Status { code, retry_after: None }
    }

    #[test]
    fn success_is_done_and_a_rejection_is_dead_at_the_first_attempt() {
        assert_eq!(decide(status(200), 0, &POLICY, 0.0), Outcome::Done);
        assert_eq!(decide(status(204), 4, &POLICY, 0.0), Outcome::Done);
        for code in [400, 401, 404, 410, 422, 499] {
            let dead = Outcome::Dead { reason: Reason::Rejected };
            assert_eq!(decide(status(code), 0, &POLICY, 0.0), dead, "{code}");
        }
    }

    #[test]
    fn what_may_pass_is_tried_again_also_a_redirect_which_is_not_followed() {
        let passing = [302, 408, 425, 429, 500, 502, 503].map(status);
        for answer in passing.into_iter().chain([Answer::Timeout, Answer::Unreachable, Answer::Broken]) {
            let again = Outcome::Retry { delay: Duration::from_secs(1) };
            assert_eq!(decide(answer, 0, &POLICY, 0.0), again, "{answer:?}");
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_jitter_only_shortens_them() {
        let delay = |failed, jitter| match decide(
            Answer::Timeout,
            failed,
            &Retry { attempts: 100, ..POLICY },
            jitter,
        ) {
            Outcome::Retry { delay } => delay.as_secs_f64(),
            other => panic!("{other:?}"),
        };
        assert_eq!([0, 1, 2, 3].map(|failed| delay(failed, 0.0)), [1.0, 2.0, 4.0, 8.0]);
        assert_eq!(delay(80, 0.0), 60.0);
        assert_eq!(delay(2, 1.0), 2.0);
    }

    #[test]
    fn the_destinations_own_wish_counts_for_429_and_503_within_the_longest_pause() {
        let asking = |code, seconds| Answer::Status { code, retry_after: Some(Duration::from_secs(seconds)) };
        let again = |seconds| Outcome::Retry { delay: Duration::from_secs(seconds) };
        assert_eq!(decide(asking(429, 7), 0, &POLICY, 1.0), again(7));
        assert_eq!(decide(asking(503, 3600), 0, &POLICY, 0.0), again(60));
        assert_eq!(decide(asking(500, 7), 0, &POLICY, 0.0), again(1), "elsewhere the header means nothing");
        assert_eq!(decide(asking(429, 0), 3, &POLICY, 0.0), again(8), "a wish does not shorten the pause");
    }

    #[test]
    fn the_last_attempt_ends_in_a_dead_letter() {
        let dead = Outcome::Dead { reason: Reason::AttemptsExhausted };
        assert_eq!(decide(Answer::Timeout, 4, &POLICY, 0.0), dead);
        assert_eq!(decide(Answer::Timeout, u32::MAX, &POLICY, 0.0), dead);
        assert_eq!(decide(status(503), 0, &Retry { attempts: 1, ..POLICY }, 0.0), dead);
    }

    fn any_answer() -> impl Strategy<Value = Answer> {
        let wish = proptest::option::of((0_u64..u64::MAX).prop_map(Duration::from_millis));
        prop_oneof![
            (100_u16..600, wish).prop_map(|(code, retry_after)| Answer::Status { code, retry_after }),
            Just(Answer::Timeout),
            Just(Answer::Unreachable),
            Just(Answer::Broken),
        ]
    }

    proptest! {
        #[test]
        fn every_answer_comes_to_an_end_within_the_attempts(
            answer in any_answer(),
            attempts in 1_u32..=100,
            first in 1_u64..86_400_000,
            more in 0_u64..86_400_000,
            jitter in 0.0..=1.0_f64,
        ) {
            let first = Duration::from_millis(first);
            let policy = Retry { attempts, first, longest: first + Duration::from_millis(more) };
            let mut failed = 0;
            while let Outcome::Retry { delay } = decide(answer, failed, &policy, jitter) {
                prop_assert!(delay <= policy.longest);
                prop_assert!(delay >= policy.first / 2);
                failed += 1;
            }
            prop_assert!(failed < attempts);
        }
    }
}
