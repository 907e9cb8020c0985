//! A private Redis: every write on disk before it is answered, nothing evicted, and no answer without the password.

use nix::sys::signal::Signal;
use std::{fmt, path::Path, time::Duration};

use crate::{
    Launch, Process, ServerError,
    account::{self, Account},
    find_program, free_port, random_secret,
};

mod password;

const READY: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(20);

/// When Redis brings what it wrote to disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// Before it answers: what is acknowledged survives.
    #[default]
    Always,
    /// Once a second: up to two seconds can be lost.
    EverySecond,
}

/// What Redis does when its memory is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EvictionPolicy {
    /// Refuses writes; the only policy under which the mesh starts.
    #[default]
    NoEviction,
    /// Throws away what was not used for long: to show that the mesh refuses to start.
    AllKeysLru,
}

/// How a private Redis is started.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    /// The TCP port on 127.0.0.1; a free one if none is given.
    pub port: Option<u16>,
    /// When writes reach the disk.
    pub fsync: Fsync,
    /// What happens when memory is full.
    pub policy: EvictionPolicy,
    /// More arguments of `redis-server`, such as `--maxmemory 64mb`, one word each.
    pub args: Vec<String>,
}

/// A Redis of this process's own. Dropping it kills it; its data stays.
pub struct Redis {
    process: Process,
    port: u16,
    /// Any account of this machine reaches the port; this is what keeps the data private.
    password: String,
}

/// Leaves the password out.
impl fmt::Debug for Redis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Redis").field("process", &self.process).finish_non_exhaustive()
    }
}

impl Redis {
    /// Starts Redis with its data and log below `dir` and a new password, and waits until it answers.
    ///
    /// # Errors
    /// When `redis-server` is missing, `dir` cannot be used, or Redis does not come up within 30 s.
    pub async fn start(dir: &Path, options: RedisOptions) -> Result<Redis, ServerError> {
        let program = find_program("redis-server", "apt-get install redis-server")?;
        let account = account::unprivileged("redis-server", &["redis", "nobody"])?;
        let home = account::home(dir, account)?;
        let password = random_secret()?;
        let file = password::write(&home, account, &password)?;
        // A port can be taken between finding and using it; then another one is tried.
        let attempts = if options.port.is_some() { 1 } else { 5 };
        let mut attempt = 1;
        loop {
            let port = options.port.unwrap_or_else(free_port);
            let process = Process::start(launch(&program, &file, &home, account, port, &options))?;
            let redis = Redis { process, port, password: password.clone() };
            match redis.ready().await {
                Ok(()) => return Ok(redis),
                Err(error @ ServerError::Ended { .. }) if attempt == attempts => return Err(error),
                Err(ServerError::Ended { .. }) => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it listens and what it wants to be told, as `redis://:PASSWORD@127.0.0.1:PORT/`; the same after a restart.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/", self.password, self.port)
    }

    /// The port on 127.0.0.1; the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process, to signal it or to see whether it runs.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Stops it in order.
    pub async fn stop(&self) {
        self.process.stop(Signal::SIGTERM, STOP).await;
    }

    /// SIGKILL, as a crash would.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Starts it again on the same port with the same data, and waits until it answers.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub async fn restart(&self) -> Result<(), ServerError> {
        self.stop().await;
        self.process.restart()?;
        self.ready().await
    }

    async fn ready(&self) -> Result<(), ServerError> {
        self.process.ready(READY, || answers(self.url(), self.process.pid())).await
    }
}

/// The answer has to come from the process just started, since a stranger on the same port would answer too; and the data
/// has to be there: INFO is answered while the log is still read back, PING is refused until then.
async fn answers(url: String, pid: u32) -> Result<(), String> {
    let client = redis::Client::open(url).map_err(|error| error.to_string())?;
    let mut connection =
        client.get_multiplexed_async_connection().await.map_err(|error| error.to_string())?;
    let asked = redis::cmd("INFO").arg("server").query_async(&mut connection).await;
    let info: String = asked.map_err(|error| error.to_string())?;
    let answering = info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap_or_default();
    if answering != pid.to_string() {
        return Err(format!("process {answering} answers on its port, not process {pid}"));
    }
    redis::cmd("PING").query_async::<()>(&mut connection).await.map_err(|error| error.to_string())
}

fn launch(
    program: &Path,
    file: &Path,
    home: &Path,
    account: Option<Account>,
    port: u16,
    options: &RedisOptions,
) -> Launch {
    let fsync = match options.fsync {
        Fsync::Always => "always",
        Fsync::EverySecond => "everysec",
    };
    let policy = match options.policy {
        EvictionPolicy::NoEviction => "noeviction",
        EvictionPolicy::AllKeysLru => "allkeys-lru",
    };
    // The file comes first: what follows it wins over it.
    let mut args = vec![file.display().to_string()];
    args.extend(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"].map(Into::into));
    let pairs = [("--port", port.to_string()), ("--dir", home.display().to_string())];
    args.extend(pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]));
    args.extend(["--appendfsync", fsync, "--maxmemory-policy", policy].map(Into::into));
    args.extend(options.args.iter().cloned());
    let mut launch = Launch::new("redis", program, home.join("redis.log"));
    launch.args = args;
    launch.dir = Some(home.to_owned());
    launch.account = account;
    launch
}
