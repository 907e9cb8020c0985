//! A stage's running configuration: taken from Redis, prepared, and replaced while the stage goes on.
//!
//! Nothing here ends what runs. A revision that cannot be prepared is reported and tried again; one that is prepared with
//! problems runs, and is prepared again until it has none; a Redis that is away is waited for; and whoever holds an `Arc`
//! of a revision finishes with that one.

use super::memory::{Memory, RETRY, Ready};
use super::prepared::Prepared;
use super::published::StageReport;
use crate::{Redis, StreamsError};
use std::future::Future;
use std::io;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// How often a process reports, and looks for what is newer.
const LOOK: Duration = Duration::from_millis(250);
/// How often it is said why a process still waits for its first configuration.
const SAY: Duration = Duration::from_secs(5);
/// How long a caller who wants a newer revision waits for it at most.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a caller who wants a certain revision waits at most: others may be prepared first.
const PATIENCE_FOR_ONE: Duration = Duration::from_secs(10);

/// The configuration that a process runs, as its stage prepared it.
pub struct Live<T> {
    redis: Redis,
    stage: &'static str,
    instance: String,
    prepare: Arc<Prepare<T>>,
    memory: RwLock<Memory<T>>,
    /// One at a time takes and prepares; whoever comes meanwhile finds what that one took.
    taking: Mutex<Taking<T>>,
    /// There is something newer than what runs.
    found: Notify,
    /// What is to be reported has changed.
    changed: Notify,
}

/// Why it is not known whether a revision can be had.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// Redis did not answer.
    #[error(transparent)]
    Streams(#[from] StreamsError),
    /// It was not prepared within ten seconds; that goes on, and whoever asks again may find it ready.
    #[error("a configuration was not prepared in time")]
    Late,
}

impl From<LiveError> for StreamsError {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::Streams(error) => error,
            late @ LiveError::Late => {
                Self::Unavailable(io::Error::new(io::ErrorKind::TimedOut, late.to_string()).into())
            }
        }
    }
}

type Preparing<T> = JoinHandle<Result<Ready<T>, String>>;

type Prepare<T> = dyn Fn(&[u8]) -> Result<Prepared<T>, String> + Send + Sync;

struct Taking<T> {
    /// When Redis was last asked for the newest number.
    looked: Instant,
    /// Goes on when its caller goes away, and is not begun twice.
    preparing: Option<(u64, Preparing<T>)>,
}

impl<T: Send + Sync + 'static> Live<T> {
    /// Takes the newest revision that `prepare` accepts, and waits for one as long as there is none. `prepare` gets the
    /// published bytes and may be slow; why it refuses is reported, so its words hold no secrets. It gets the same bytes
    /// again, every second, while what it made of them has problems: that has to be cheap.
    ///
    /// # Errors
    /// Redis holds something else than a configuration. One that is away is waited for.
    pub async fn start(
        redis: Redis,
        stage: &'static str,
        prepare: impl Fn(&[u8]) -> Result<Prepared<T>, String> + Send + Sync + 'static,
    ) -> Result<Arc<Self>, StreamsError> {
        let live = Self {
            redis,
            stage,
            instance: format!("{:016x}", rand::random::<u64>()),
            prepare: Arc::new(prepare),
            memory: RwLock::new(Memory::new()),
            taking: Mutex::new(Taking { looked: Instant::now(), preparing: None }),
            found: Notify::new(),
            changed: Notify::new(),
        };
        let mut said: Option<Instant> = None;
        loop {
            let waits_for = match live.take_first().await {
                Ok(true) => break,
                Ok(false) => live.report().problem,
                Err(StreamsError::Broken(what)) => return Err(StreamsError::Broken(what)),
                Err(error) => Some(error.to_string()),
            };
            if said.is_none_or(|said| said.elapsed() >= SAY) {
                said = Some(Instant::now());
                match waits_for {
                    Some(reason) => warn!(stage, reason, "waiting for a configuration that can be used"),
                    None => {
                        info!(stage, "waiting for a first configuration: apply one with `tributary apply`");
                    }
                }
            }
            sleep(LOOK).await;
        }
        Ok(Arc::new(live))
    }

    /// What runs now.
    pub fn current(&self) -> Arc<T> {
        self.known().current().expect("Live::start returns when there is one").clone()
    }

    /// What runs now, after a look at once if that is older than `number`. A newer revision that cannot be had within two
    /// seconds, or not be prepared, is not waited for.
    pub async fn at_least(&self, number: u64) -> Arc<T> {
        let running = self.known().number();
        if running < number && timeout(PATIENCE, self.catch_up(number)).await.is_err() {
            debug!(stage = self.stage, number, "did not get a newer configuration in time");
        }
        self.current()
    }

    /// One revision, from memory or from Redis. `None`: it is 0, gone, or cannot be prepared.
    ///
    /// # Errors
    /// Redis did not answer, or it was not prepared within ten seconds: whether it can be had is not known.
    pub async fn at(&self, number: u64) -> Result<Option<Arc<T>>, LiveError> {
        if number == 0 {
            return Ok(None);
        }
        if let Some(ready) = self.remember(number) {
            return Ok(Some(ready.value.clone()));
        }
        let found = timeout(PATIENCE_FOR_ONE, async {
            let mut taking = self.taking.lock().await;
            self.prepared(number, &mut taking).await
        });
        let found = found.await.map_err(|_| LiveError::Late)?;
        Ok(found?.map(|ready| ready.value.clone()))
    }

    /// Reports what runs and takes what is newer, until `stopping`; then withdraws the report.
    pub async fn follow(self: Arc<Self>, stopping: CancellationToken) {
        let reporting = async {
            let mut troubled = false;
            loop {
                let looked = self.look().await;
                self.note(&looked, &mut troubled);
                let running = self.known().number();
                if looked.is_ok_and(|newest| newest > running) {
                    self.found.notify_one();
                }
                // Whoever applied the revision waits for this report.
                let _ = timeout(LOOK, self.changed.notified()).await;
            }
        };
        // Beside the reports and not between them: a process that takes long to prepare is alive.
        let taking = async {
            let mut mended = Instant::now();
            loop {
                if timeout(RETRY, self.found.notified()).await.is_ok() {
                    let mut taking = self.taking.lock().await;
                    if let Err(error) = self.take_newest(&mut taking).await {
                        debug!(stage = self.stage, %error, "could not take a newer configuration");
                    }
                }
                if mended.elapsed() >= RETRY {
                    self.mend().await;
                    mended = Instant::now();
                }
            }
        };
        stopping.run_until_cancelled(either(reporting, taking)).await;
        if let Err(error) = self.redis.withdraw_report(&self.report()).await {
            debug!(stage = self.stage, %error, "could not withdraw the report");
        }
    }

    /// Runs the newest revision that can be prepared. False: there is none.
    async fn take_first(&self) -> Result<bool, StreamsError> {
        self.look().await?;
        let mut taking = self.taking.lock().await;
        for number in self.redis.config_numbers().await? {
            let Some(ready) = self.prepared(number, &mut taking).await? else { continue };
            self.run(ready);
            let StageReport { problem, problem_number, .. } = self.report();
            if let Some(reason) = problem.filter(|_| problem_number > number) {
                warn!(
                    stage = self.stage,
                    number, reason, "runs an OLDER configuration: the newest cannot be used"
                );
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// For one who knows of a revision that this process does not run yet.
    async fn catch_up(&self, number: u64) {
        let asked = Instant::now();
        let mut taking = self.taking.lock().await;
        // Someone who looked after this was asked saw all that there was.
        if self.known().number() >= number || taking.looked >= asked {
            return;
        }
        if let Err(error) = self.take_at_least(number, &mut taking).await {
            debug!(stage = self.stage, %error, "could not look for a newer configuration");
        }
    }

    /// The newest one, or where that cannot be prepared, the one asked for.
    async fn take_at_least(&self, number: u64, taking: &mut Taking<T>) -> Result<(), StreamsError> {
        self.take_newest(taking).await?;
        let running = self.known().number();
        if running >= number {
            return Ok(());
        }
        if let Some(ready) = self.prepared(number, taking).await? {
            self.run(ready);
        }
        Ok(())
    }

    async fn take_newest(&self, taking: &mut Taking<T>) -> Result<(), StreamsError> {
        taking.looked = Instant::now();
        let newest = self.redis.newest_config().await?.unwrap_or_default();
        let running = self.known().number();
        if newest <= running {
            return Ok(());
        }
        if let Some(ready) = self.prepared(newest, taking).await? {
            self.run(ready);
        }
        Ok(())
    }

    fn run(&self, ready: Arc<Ready<T>>) {
        let (stage, number) = (self.stage, ready.number);
        if self.learn().run(ready.clone()) {
            info!(stage, number, "runs this configuration");
            self.tell(&ready);
            self.changed.notify_one();
        }
    }

    /// Prepares what runs again, if it has problems, and runs that if they have changed.
    async fn mend(&self) {
        let Some((number, bytes)) = self.known().unwell() else { return };
        let prepare = self.prepare.clone();
        let anew = tokio::task::spawn_blocking(move || {
            prepare(&bytes).map(|prepared| Arc::new(Ready::new(number, prepared, bytes)))
        });
        // What could be prepared before and cannot now stays as it is.
        let Ok(Ok(ready)) = anew.await else { return };
        if self.learn().mend(ready.clone()) {
            info!(stage = self.stage, number, "something that the configuration needs has changed");
            self.tell(&ready);
            self.changed.notify_one();
        }
    }

    fn tell(&self, ready: &Ready<T>) {
        if let Some(reason) = ready.problem() {
            let (stage, number) = (self.stage, ready.number);
            warn!(stage, number, reason, "some of this configuration cannot be used yet");
        }
    }

    /// A revision, prepared now if it was not before. `None`: it is gone, or cannot be prepared.
    async fn prepared(
        &self,
        number: u64,
        taking: &mut Taking<T>,
    ) -> Result<Option<Arc<Ready<T>>>, StreamsError> {
        if let Some(ready) = self.remember(number) {
            return Ok(Some(ready));
        }
        // What a caller who went away had begun comes first.
        if let Some((begun, _)) = taking.preparing
            && begun != number
        {
            self.finish(taking).await;
        }
        if taking.preparing.is_none() {
            if self.known().is_hopeless(number) {
                return Ok(None);
            }
            let Some(bytes) = self.redis.config_bytes(number).await? else { return Ok(None) };
            let prepare = self.prepare.clone();
            let preparing = move || {
                let bytes: Arc<[u8]> = bytes.into();
                prepare(&bytes).map(|prepared| Ready::new(number, prepared, bytes))
            };
            taking.preparing = Some((number, tokio::task::spawn_blocking(preparing)));
        }
        self.finish(taking).await;
        Ok(self.remember(number))
    }

    /// Waits for what is being prepared and remembers what came of it. May be dropped and called again.
    async fn finish(&self, taking: &mut Taking<T>) {
        let Some((number, preparing)) = &mut taking.preparing else { return };
        let number = *number;
        let outcome =
            preparing.await.unwrap_or_else(|_| Err("preparing it panicked; see the log".to_owned()));
        taking.preparing = None;
        match outcome {
            Ok(ready) => self.learn().keep(Arc::new(ready)),
            Err(reason) => {
                if self.learn().fail(number, &reason) {
                    warn!(stage = self.stage, number, reason, "this configuration cannot be used");
                    self.changed.notify_one();
                }
            }
        }
    }

    /// Reports, and answers the newest number.
    async fn look(&self) -> Result<u64, StreamsError> {
        self.redis.look_for_config(&self.report()).await
    }

    fn report(&self) -> StageReport {
        self.known().report(self.stage, &self.instance)
    }

    /// Says where trouble begins and ends, not at every look.
    fn note(&self, looked: &Result<u64, StreamsError>, troubled: &mut bool) {
        let stage = self.stage;
        match looked {
            Ok(_) if std::mem::take(troubled) => info!(stage, "newer configurations can be seen again"),
            Ok(_) => {}
            Err(error) if std::mem::replace(troubled, true) => debug!(stage, %error, "still in trouble"),
            Err(error) => {
                warn!(stage, %error, "newer configurations cannot be seen; the one that runs is kept")
            }
        }
    }

    fn remember(&self, number: u64) -> Option<Arc<Ready<T>>> {
        self.learn().find(number)
    }

    fn known(&self) -> RwLockReadGuard<'_, Memory<T>> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self) -> RwLockWriteGuard<'_, Memory<T>> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both at once; neither ends.
async fn either(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    tokio::join!(one, other);
}
