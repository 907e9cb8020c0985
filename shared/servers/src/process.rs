//! One child process: started, watched, stopped, killed, started again.
//!
//! Children die with this process, whatever ends it, and a Ctrl-C at the terminal reaches this process alone, so that
//! it can stop its children in the right order.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    env,
    fs::{self, OpenOptions},
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};

use crate::{ServerError, account::Account, poll, programs};

/// What to start, and how.
#[derive(Clone, Debug)]
pub struct Launch {
    /// What people call it, such as `redis` or `ingest`.
    pub name: String,
    /// The file to execute.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment, on top of this process's own, or all of it where `clean` is set.
    pub env: Vec<(String, String)>,
    /// Keep nothing of this process's environment but `PATH`, `HOME`, `TMPDIR` and `RUST_BACKTRACE`.
    pub clean: bool,
    /// Where it runs; this process's folder if none is given.
    pub dir: Option<PathBuf>,
    /// Where its output goes, appended.
    pub log: PathBuf,
    /// What it is sent when this process dies.
    pub death_signal: Signal,
    pub(crate) account: Option<Account>,
}

impl Launch {
    /// A program without arguments, which gets SIGTERM when this process dies.
    #[must_use]
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Launch {
        Launch {
            name: name.into(),
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            clean: false,
            dir: None,
            log: log.into(),
            death_signal: Signal::SIGTERM,
            account: None,
        }
    }
}

/// A process that this one started. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    launch: Launch,
    child: Mutex<Child>,
}

impl Process {
    /// Starts it.
    ///
    /// # Errors
    /// When the log cannot be opened or the program cannot be executed.
    pub fn start(launch: Launch) -> Result<Process, ServerError> {
        let child = spawn(&launch)?;
        Ok(Process { launch, child: Mutex::new(child) })
    }

    /// Starts the same again, killing it first if it still runs.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub fn restart(&self) -> Result<(), ServerError> {
        self.kill();
        *self.child() = spawn(&self.launch)?;
        Ok(())
    }

    /// The id the operating system knows it by; it means nothing any more once it has ended.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// How it ended; none while it runs.
    #[must_use]
    pub fn ended(&self) -> Option<ExitStatus> {
        self.child().try_wait().ok().flatten()
    }

    /// Sends a signal, if it still runs.
    pub fn signal(&self, signal: Signal) {
        let mut child = self.child();
        // Asked under the lock: an ended child that nobody has waited for keeps its id, so no stranger is hit.
        if let (Ok(None), Ok(pid)) = (child.try_wait(), i32::try_from(child.id())) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// Asks it to stop with `signal` and waits; after `budget` it is killed. True if it stopped by itself.
    pub async fn stop(&self, signal: Signal, budget: Duration) -> bool {
        self.signal(signal);
        let stopped =
            poll(budget, || async { self.ended().ok_or_else(|| "it runs".to_owned()) }).await.is_ok();
        if !stopped {
            self.kill();
        }
        stopped
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(&self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Waits for its end, however long that takes.
    pub fn wait(&self) {
        let _ = self.child().wait();
    }

    /// Waits until `ask` says that it is ready.
    ///
    /// # Errors
    /// [`ServerError::Ended`] as soon as it ends, [`ServerError::NotReady`] with the last reason after `within`.
    pub async fn ready<F, A>(&self, within: Duration, mut ask: F) -> Result<(), ServerError>
    where
        F: FnMut() -> A,
        A: Future<Output = Result<(), String>>,
    {
        let outcome = poll(within, || {
            let question = ask();
            async move {
                match self.ended() {
                    Some(status) => Ok(Some(status)),
                    None => question.await.map(|()| None),
                }
            }
        })
        .await;
        match outcome {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.ended_error(status)),
            Err(reason) => Err(ServerError::NotReady {
                name: self.launch.name.clone(),
                within,
                reason,
                log: self.launch.log.clone(),
                tail: tail(&self.launch.log, 15),
            }),
        }
    }

    /// The error that says how it ended, with the end of its log.
    #[must_use]
    pub fn ended_error(&self, status: ExitStatus) -> ServerError {
        ServerError::Ended {
            name: self.launch.name.clone(),
            status: status.to_string(),
            log: self.launch.log.clone(),
            tail: tail(&self.launch.log, 15),
        }
    }

    /// What it was started with.
    #[must_use]
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last lines of a file; empty if it cannot be read.
#[must_use]
pub fn tail(file: &Path, lines: usize) -> String {
    let text = fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn spawn(launch: &Launch) -> Result<Child, ServerError> {
    let mut command = command(launch)?;
    let spawned = on_the_lasting_thread(move || command.spawn());
    spawned.map_err(|source| ServerError::Spawn {
        name: launch.name.clone(),
        program: launch.program.clone(),
        source,
    })
}

fn command(launch: &Launch) -> Result<Command, ServerError> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&launch.log)
        .map_err(ServerError::file("open the log", &launch.log))?;
    let errors = log.try_clone().map_err(ServerError::file("open the log", &launch.log))?;

    let mut command = dying_with_parent(launch);
    if launch.clean {
        let kept = ["PATH", "HOME", "TMPDIR", "RUST_BACKTRACE"];
        command.env_clear().envs(kept.into_iter().filter_map(|name| Some((name, env::var_os(name)?))));
    }
    let libraries = programs::libraries_of(&launch.program);
    if let Ok(path) = env::join_paths(&libraries)
        && !libraries.is_empty()
    {
        command.env("LD_LIBRARY_PATH", path);
    }
    command.args(&launch.args).envs(launch.env.iter().map(|(name, value)| (name, value)));
    if let Some(dir) = &launch.dir {
        command.current_dir(dir);
    }
    if let Some(account) = launch.account {
        command.uid(account.uid).gid(account.gid);
    }
    // A group of its own: Ctrl-C is sent to the terminal's whole group, and would stop everything at once.
    command.process_group(0).stdin(Stdio::null()).stdout(log).stderr(errors);
    Ok(command)
}

/// Without `setpriv` a child outlives a parent that was killed: the next start then finds its port or its data taken.
fn dying_with_parent(launch: &Launch) -> Command {
    let Ok(setpriv) = programs::find_program("setpriv", "apt-get install util-linux") else {
        return Command::new(&launch.program);
    };
    let mut command = Command::new(setpriv);
    command.arg("--pdeathsig").arg(launch.death_signal.as_str().trim_start_matches("SIG"));
    command.arg("--").arg(&launch.program);
    command
}

type Job = Box<dyn FnOnce() + Send>;

/// The kernel takes the death of the *thread* that started a child for the death of the parent. A test's thread ends
/// with its test, a runtime's thread when it is idle; this one ends with the process.
static LASTING_THREAD: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
    let (sender, jobs) = mpsc::channel::<Job>();
    std::thread::spawn(move || jobs.into_iter().for_each(|job| job()));
    sender
});

fn on_the_lasting_thread<T: Send + 'static>(
    job: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (answer, answers) = mpsc::sync_channel(1);
    let gone = || io::Error::other("the thread that starts processes is gone");
    LASTING_THREAD
        .send(Box::new(move || {
            let _ = answer.send(job());
        }))
        .map_err(|_| gone())?;
    answers.recv().map_err(|_| gone())?
}
