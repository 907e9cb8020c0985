//! One call as attempts: further ones follow where the first fails in a way that may pass, after growing pauses, as long as
//! the host's budget and the call's time allow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use tokio::time::{Instant, timeout_at};
use tributary_engine::CallError;

use super::breaker::Health;
use super::failure;
use super::server::Server;

/// The pause before the second attempt; doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What bounds a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// How long one attempt may take.
    pub(super) timeout: Duration,
    /// How many further attempts there may be.
    pub(super) retries: u32,
    /// When all must be through.
    pub(super) until: Instant,
}

impl Bounds {
    /// How long an attempt that begins now may take.
    pub(super) fn attempt(&self) -> Duration {
        self.timeout.min(self.until.saturating_duration_since(Instant::now()))
    }
}

/// An attempt without the answer that was hoped for.
#[derive(Debug)]
pub(super) struct Missed<T> {
    /// What is answered where there is no further one.
    pub(super) answer: Result<T, CallError>,
    /// Whether a further one may do better.
    pub(super) passing: bool,
    /// How long the host asked to be left alone.
    pub(super) after: Option<Duration>,
    /// What it says about the host.
    pub(super) health: Health,
}

impl<T> Missed<T> {
    /// It fails in the same way whenever it is made, and is not the host's failure.
    pub(super) fn final_with(error: CallError) -> Self {
        Self { answer: Err(error), passing: false, after: None, health: Health::Unknown }
    }

    /// The host is not there, or broken.
    pub(super) fn ill(error: CallError) -> Self {
        Self { answer: Err(error), passing: true, after: None, health: Health::Ill }
    }
}

/// An attempt's result.
pub(super) type Attempt<T> = Result<T, Missed<T>>;

/// Makes attempts until one has an answer, or there may be none any more. `made` counts them.
pub(super) async fn with_retries<T, F: Future<Output = Attempt<T>>>(
    server: &Arc<Server>,
    bounds: Bounds,
    made: &AtomicU32,
    attempt: impl Fn() -> F,
) -> Result<T, CallError> {
    server.begin();
    let once = || async {
        let under_way = server.enter(bounds.timeout, bounds.until).await.map_err(Missed::final_with)?;
        made.fetch_add(1, Ordering::Relaxed);
        let in_time = timeout_at(under_way.ends(), attempt()).await;
        let result = in_time.unwrap_or_else(|_| Err(timed_out(server)));
        under_way.through(result.as_ref().map_or_else(|missed| missed.health, |_| Health::Well));
        result
    };
    let pauses = ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_max_times(usize::try_from(bounds.retries).unwrap_or(usize::MAX))
        .with_jitter();
    let result = once
        .retry(pauses)
        .when(|missed| missed.passing)
        .adjust(|missed, pause| {
            let pause = pause?.max(missed.after.unwrap_or_default());
            let in_time = Instant::now().checked_add(pause).is_some_and(|then| then < bounds.until);
            (in_time && server.may_try_again()).then_some(pause)
        })
        .await;
    result.or_else(|missed| missed.answer)
}

fn timed_out<T>(server: &Server) -> Missed<T> {
    Missed::ill(failure::timed_out(format!("{} did not answer in time", server.name())))
}

#[cfg(test)]
mod tests;
