//! The life of a stage's process: settings, telemetry, start, wait, drain, flush.

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::lifecycle::Tasks;
use crate::settings::{SettingsError, SharedSettings};
use crate::telemetry;

/// How long calls and tasks may take to end after the process was asked to stop.
const DRAIN_BUDGET: Duration = Duration::from_secs(10);
/// What the runtime's own threads get after that.
const RUNTIME_BUDGET: Duration = Duration::from_millis(500);

const EXIT_CLEAN: u8 = 0;
/// The process failed while it ran, or could not start.
const EXIT_FAILURE: u8 = 1;
/// The settings are wrong: starting it again without changing them is useless. (`EX_USAGE` of sysexits.)
const EXIT_SETTINGS: u8 = 64;

/// What a stage is started with.
#[derive(Clone, Debug)]
pub struct Context {
    /// The stage's name, like `ingest`.
    pub stage: &'static str,
    /// What all stages were told alike.
    pub shared: Arc<SharedSettings>,
    /// Where the stage's tasks go, its server's among them.
    pub tasks: Tasks,
}

/// Runs a stage until it is asked to stop or one of its tasks fails, and returns the process's exit code.
///
/// `start` connects, binds and spawns, and then returns; what it spawned goes on. SIGTERM and SIGINT ask to stop; a second
/// one does not wait. Exit codes: 0 after a clean stop, 64 for wrong settings, 1 for every other failure.
pub fn run<F, Fut>(stage: &'static str, start: F) -> ExitCode
where
    F: FnOnce(Context) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let shared = match SharedSettings::load() {
        Ok(shared) => Arc::new(shared),
        Err(error) => return refuse(stage, &error.into()).into(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().thread_name(stage).build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(stage, &error.into()).into(),
    };
    let code = runtime.block_on(live(stage, shared, start));
    runtime.shutdown_timeout(RUNTIME_BUDGET);
    code
}

async fn live<F, Fut>(stage: &'static str, shared: Arc<SharedSettings>, start: F) -> ExitCode
where
    F: FnOnce(Context) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let (telemetry, mut signals) = match (telemetry::init(stage, &shared), Signals::listen()) {
        (Ok(telemetry), Ok(signals)) => (telemetry, signals),
        (Err(error), _) | (_, Err(error)) => return refuse(stage, &error).into(),
    };
    let tasks = Tasks::new();
    let context = Context { stage, shared, tasks: tasks.clone() };
    let code = work(stage, start(context), &tasks, &mut signals).await;
    telemetry.shutdown().await;
    ExitCode::from(code)
}

async fn work(
    stage: &'static str,
    starting: impl Future<Output = anyhow::Result<()>>,
    tasks: &Tasks,
    signals: &mut impl AskedToStop,
) -> u8 {
    let stopping = tasks.stopping();
    // Also a slow start can be interrupted, by a person or by a part that has already failed.
    let started = tokio::select! {
        started = starting => started.map(|()| true),
        name = signals.next() => Ok(asked_to_stop(name)),
        () = stopping.cancelled() => Ok(false),
    };
    match started {
        // What was spawned before the failure has nothing in hand yet, and is not drained.
        Err(error) => return refuse(stage, &error),
        Ok(true) => {
            tracing::info!("started");
            tokio::select! {
                name = signals.next() => { asked_to_stop(name); }
                () = stopping.cancelled() => {}
            }
        }
        Ok(false) => {}
    }

    tokio::select! {
        drained = tasks.drain(DRAIN_BUDGET) => if let Err(unfinished) = drained {
            tracing::warn!("{unfinished}");
        },
        name = signals.next() => {
            tracing::warn!(signal = name, "asked to stop again; ending at once");
            return EXIT_FAILURE;
        }
    }
    match tasks.failure() {
        Some(failure) => refuse_on(stage, &format!("stopped: {failure}"), EXIT_FAILURE),
        None => {
            tracing::info!("stopped");
            EXIT_CLEAN
        }
    }
}

fn asked_to_stop(signal: &'static str) -> bool {
    tracing::info!(signal, "asked to stop");
    false
}

/// Says why there is no process, once, in words, and chooses the exit code.
fn refuse(stage: &str, error: &anyhow::Error) -> u8 {
    let code = if error.downcast_ref::<SettingsError>().is_some() { EXIT_SETTINGS } else { EXIT_FAILURE };
    refuse_on(stage, &format!("cannot start: {error:#}"), code)
}

fn refuse_on(stage: &str, sentence: &str, code: u8) -> u8 {
    // Not a log line: whoever started the process must see it whatever the log filter is.
    eprintln!("tributary-{stage} {sentence}");
    code
}

/// Where the wish to stop comes from: signals, and in tests a channel.
trait AskedToStop {
    /// Ends when the process is asked to stop, and says by what.
    async fn next(&mut self) -> &'static str;
}

/// The signals that ask a process to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }
}

impl AskedToStop for Signals {
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    impl AskedToStop for mpsc::Receiver<&'static str> {
        async fn next(&mut self) -> &'static str {
            match self.recv().await {
                Some(signal) => signal,
                None => std::future::pending().await,
            }
        }
    }

    fn signals(sent: &[&'static str]) -> mpsc::Receiver<&'static str> {
        let (send, receive) = mpsc::channel(8);
        for signal in sent {
            send.try_send(*signal).unwrap();
        }
        receive
    }

    #[tokio::test]
    async fn a_stage_that_is_asked_to_stop_drains_and_ends_clean() {
        let tasks = Tasks::new();
        let (spawning, stopping) = (tasks.clone(), tasks.stopping());
        let start = async move {
            spawning.spawn("polite", async move {
                stopping.cancelled().await;
                Ok(())
            });
            Ok(())
        };
        assert_eq!(work("sample", start, &tasks, &mut signals(&["SIGTERM"])).await, EXIT_CLEAN);
    }

    #[tokio::test]
    async fn a_slow_start_can_be_interrupted() {
        let tasks = Tasks::new();
        let code = work("sample", std::future::pending(), &tasks, &mut signals(&["SIGINT"])).await;
        assert_eq!(code, EXIT_CLEAN);
    }

    #[tokio::test]
    async fn a_task_that_fails_ends_the_process_with_a_failure() {
        let tasks = Tasks::new();
        tasks.spawn("sample", async { anyhow::bail!("no more") });
        assert_eq!(work("sample", async { Ok(()) }, &tasks, &mut signals(&[])).await, EXIT_FAILURE);
    }

    #[tokio::test]
    async fn a_second_signal_does_not_wait() {
        let tasks = Tasks::new();
        tasks.spawn("stubborn", std::future::pending());
        let mut signals = signals(&["SIGTERM", "SIGTERM"]);
        let work = work("sample", async { Ok(()) }, &tasks, &mut signals);
        let twice = tokio::time::timeout(DRAIN_BUDGET / 2, work);
        assert_eq!(twice.await, Ok(EXIT_FAILURE));
    }

    #[tokio::test]
    async fn wrong_settings_have_an_exit_code_of_their_own_also_from_deep_inside() {
        let wrong = async {
            Err(anyhow::Error::new(SettingsError::of("TRIBUTARY_SAMPLE__X", "is wrong"))
                .context("reading settings"))
        };
        assert_eq!(work("sample", wrong, &Tasks::new(), &mut signals(&[])).await, EXIT_SETTINGS);
        let other = async { Err(anyhow::anyhow!("no database")) };
        assert_eq!(work("sample", other, &Tasks::new(), &mut signals(&[])).await, EXIT_FAILURE);
    }
}
