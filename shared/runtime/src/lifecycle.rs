//! The tasks of a process: named, supervised, and drained at the end. No other file starts one.
//!
//! A task started by [`Tasks::spawn`] is meant to live as long as the process. If it ends while nobody asked it to, by
//! an error, a panic or a mere return, the process would go on with a part missing; so it is told to stop, and exits
//! with a failure. What is meant to end by itself is started by [`Tasks::spawn_short`].

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A handle on the tasks of one process; clones are the same.
#[derive(Clone, Default)]
pub struct Tasks {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    tracker: TaskTracker,
    /// Asks: finish what is in hand and return.
    stopping: CancellationToken,
    /// Tells: the time for that is over.
    cut: CancellationToken,
    failure: OnceLock<Failure>,
    running: Mutex<BTreeMap<&'static str, usize>>,
}

/// Why the process has to stop: the first task that ended when it should not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the task \"{task}\" {reason}")]
pub struct Failure {
    /// The task's name.
    pub task: &'static str,
    /// How it ended.
    pub reason: String,
}

/// Tasks that had not ended when the time to drain was over; they were cut off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not finished in time: {}", .0.join(", "))]
pub struct Unfinished(pub Vec<&'static str>);

/// What a short task may return: nothing, or a result whose error is logged.
pub trait Outcome: Send + 'static {
    /// The error to log, if there is one.
    fn failure(self) -> Option<anyhow::Error>;
}

impl Outcome for () {
    fn failure(self) -> Option<anyhow::Error> {
        None
    }
}

impl Outcome for anyhow::Result<()> {
    fn failure(self) -> Option<anyhow::Error> {
        self.err()
    }
}

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task that lives as long as the process. It watches [`Tasks::stopping`] and then returns `Ok(())`; any
    /// other end stops the process.
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let tasks = self.clone();
        self.track(name, async move {
            let ended = AssertUnwindSafe(task).catch_unwind().await;
            let reason = match ended {
                Ok(Ok(())) if tasks.inner.stopping.is_cancelled() => {
                    return tracing::debug!(task = name, "task ended");
                }
                Ok(Ok(())) => "ended although the process was not stopping".to_owned(),
                Ok(Err(error)) => format!("failed: {error:#}"),
                Err(panic) => format!("panicked: {}", panic_text(&*panic)),
            };
            tasks.fail(Failure { task: name, reason });
        });
    }

    /// Starts a task that ends by itself. Its failure is logged and nothing else; it is drained like the others.
    pub fn spawn_short<F>(&self, name: &'static str, task: F)
    where
        F: Future + Send + 'static,
        F::Output: Outcome,
    {
        self.track(name, async move {
            match AssertUnwindSafe(task).catch_unwind().await {
                Ok(outcome) => {
                    if let Some(error) = outcome.failure() {
                        tracing::warn!(task = name, "short task failed: {error:#}");
                    }
                }
                Err(panic) => tracing::error!(task = name, "short task panicked: {}", panic_text(&*panic)),
            }
        });
    }

    /// Cancelled when the process is to stop. Every loop that waits also waits for this.
    pub fn stopping(&self) -> CancellationToken {
        self.inner.stopping.clone()
    }

    /// Asks all tasks to finish what is in hand and return.
    pub fn stop(&self) {
        self.inner.stopping.cancel();
    }

    /// Why the process has to stop, if a task made it.
    pub fn failure(&self) -> Option<Failure> {
        self.inner.failure.get().cloned()
    }

    /// Asks all tasks to stop and waits for them; those that need longer are cut off.
    ///
    /// # Errors
    /// The names of those that were cut off.
    pub async fn drain(&self, budget: Duration) -> Result<(), Unfinished> {
        self.stop();
        self.inner.tracker.close();
        if tokio::time::timeout(budget, self.inner.tracker.wait()).await.is_ok() {
            return Ok(());
        }
        let unfinished = self.running().keys().copied().collect();
        self.inner.cut.cancel();
        Err(Unfinished(unfinished))
    }

    #[allow(clippy::disallowed_methods, reason = "the one place where a task is started")]
    fn track<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        *self.running().entry(name).or_default() += 1;
        let tasks = self.clone();
        let supervised = async move {
            tasks.inner.cut.run_until_cancelled(task).await;
            let mut running = tasks.running();
            if let Some(count) = running.get_mut(name) {
                *count -= 1;
                if *count == 0 {
                    running.remove(name);
                }
            }
        };
        tokio::spawn(self.inner.tracker.track_future(supervised));
    }

    fn fail(&self, failure: Failure) {
        tracing::error!(task = failure.task, "task {}", failure.reason);
        // Only the first is kept: the others are mostly its consequences.
        let _ = self.inner.failure.set(failure);
        self.stop();
    }

    fn running(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, usize>> {
        self.inner.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Tasks {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tasks").field("running", &*self.running()).finish_non_exhaustive()
    }
}

/// The sentence a panic was raised with.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    async fn failure_of(task: impl Future<Output = anyhow::Result<()>> + Send + 'static) -> Failure {
        let tasks = Tasks::new();
        tasks.spawn("sample", task);
        tokio::time::timeout(SOON, tasks.stopping().cancelled()).await.expect("the process is told to stop");
        tasks.failure().expect("the failure is kept")
    }

    #[tokio::test]
    async fn a_task_that_fails_stops_the_process() {
        let failure = failure_of(async { Err(anyhow::anyhow!("cause").context("effect")) }).await;
        assert_eq!(failure.to_string(), "the task \"sample\" failed: effect: cause");
    }

    #[tokio::test]
    async fn a_task_that_panics_stops_the_process() {
        let failure = failure_of(async { panic!("it was {}", "bad") }).await;
        assert_eq!(failure.reason, "panicked: it was bad");
    }

    #[tokio::test]
    async fn a_task_that_merely_returns_too_early_stops_the_process() {
        assert!(failure_of(async { Ok(()) }).await.reason.contains("not stopping"));
    }

    #[tokio::test]
    async fn a_short_task_may_end_fail_or_panic_without_consequences() {
        let tasks = Tasks::new();
        tasks.spawn_short("returns", async {});
        tasks.spawn_short("fails", async { anyhow::bail!("no") });
        tasks.spawn_short("panics", async { assert_eq!(1, 2) });
        assert_eq!(tasks.drain(SOON).await, Ok(()));
        assert_eq!(tasks.failure(), None);
    }

    #[tokio::test]
    async fn draining_asks_and_waits() {
        let tasks = Tasks::new();
        let stopping = tasks.stopping();
        tasks.spawn("polite", async move {
            stopping.cancelled().await;
            tokio::task::yield_now().await;
            Ok(())
        });
        assert_eq!(tasks.drain(SOON).await, Ok(()));
        assert_eq!(tasks.failure(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ignores_the_end_is_named_and_cut_off() {
        let tasks = Tasks::new();
        tasks.spawn("stubborn", std::future::pending());
        assert_eq!(tasks.drain(SOON).await, Err(Unfinished(vec!["stubborn"])));
        assert_eq!(tasks.drain(SOON).await, Ok(()), "it is gone");
    }
}
