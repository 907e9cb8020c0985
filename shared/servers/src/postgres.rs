//! A private Postgres, reached through a Unix socket only.

use nix::sys::signal::Signal;
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

use crate::{
    Launch, Process, ServerError,
    account::{self, Account},
    find_program,
};

mod cluster;

const READY: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(30);

/// The role that owns everything, and the first database.
const NAME: &str = "tributary";

/// The kernel's limit for a socket's path is 108 bytes; the socket's and its lock's names need some of them.
const LONGEST_SOCKET_DIR: usize = 75;

/// How a private Postgres is started.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Whether a commit survives the end of the machine. Without it a commit still survives the end of the process,
    /// which is all that tests can bring about, and much time is saved.
    pub fsync: bool,
    /// How many connections are allowed at once.
    pub max_connections: u16,
}

impl Default for PostgresOptions {
    fn default() -> PostgresOptions {
        PostgresOptions { fsync: true, max_connections: 200 }
    }
}

/// A Postgres of this process's own. Dropping it ends it; its data stays.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    socket: PathBuf,
    /// Holds the socket's folder where it is not below the data's.
    _short: Option<TempDir>,
}

impl Postgres {
    /// Starts Postgres with its data below `dir` (created if need be), waits until it answers, and creates the role
    /// and the database `tributary`.
    ///
    /// # Errors
    /// When `postgres` or `initdb` is missing, `dir` cannot be used or holds another version's data, or Postgres
    /// does not come up within 60 s.
    pub async fn start(dir: &Path, options: PostgresOptions) -> Result<Postgres, ServerError> {
        let program = find_program("postgres", "apt-get install postgresql")?;
        let account = account::unprivileged("postgres", &["postgres", "nobody"])?;
        let home = account::home(dir, account)?;
        let data = cluster::prepare(&program, &home, account).await?;
        let (socket, short) = socket_dir(&home, account)?;
        let process = Process::start(launch(&program, &home, &data, &socket, account, &options))?;
        let postgres = Postgres { process, socket, _short: short };
        postgres.ready().await?;
        postgres.ensure_database(NAME).await?;
        Ok(postgres)
    }

    /// The database `tributary`, as sqlx takes it.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(NAME)
    }

    /// Creates a database of its own for a test, and says where it is.
    ///
    /// # Errors
    /// When Postgres is away or the name is taken.
    pub async fn create_database(&self, name: &str) -> Result<String, ServerError> {
        self.ask(&format!("create the database {name}"), &format!("CREATE DATABASE {}", quoted(name)))
            .await?;
        Ok(self.url_of(name))
    }

    /// The process, to signal it or to see whether it runs.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Stops it in order: open transactions are rolled back, connections closed.
    pub async fn stop(&self) {
        self.process.stop(Signal::SIGINT, STOP).await;
    }

    /// SIGKILL, as a crash would.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Starts it again with the same data and socket, and waits until it answers.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub async fn restart(&self) -> Result<(), ServerError> {
        self.stop().await;
        self.process.restart()?;
        match self.ready().await {
            // After a kill the orphaned backends hold the shared memory for a moment; a new server refuses that.
            Err(ServerError::Ended { .. }) => {
                tokio::time::sleep(Duration::from_millis(500)).await;
                self.process.restart()?;
                self.ready().await
            }
            outcome => outcome,
        }
    }

    fn url_of(&self, database: &str) -> String {
        let mut url = url::Url::parse("postgres://tributary@localhost").expect("a constant URL");
        url.set_path(database);
        url.query_pairs_mut().append_pair("host", &self.socket.to_string_lossy());
        url.into()
    }

    async fn ready(&self) -> Result<(), ServerError> {
        let url = self.url_of("postgres");
        self.process
            .ready(READY, || async {
                let connection = PgConnection::connect(&url).await.map_err(|error| error.to_string())?;
                connection.close().await.map_err(|error| error.to_string())
            })
            .await
    }

    async fn ensure_database(&self, name: &str) -> Result<(), ServerError> {
        match self.create_database(name).await {
            Err(ServerError::Sql { source: sqlx::Error::Database(refusal), .. })
                if refusal.code().as_deref() == Some("42P04") =>
            {
                Ok(())
            }
            outcome => outcome.map(drop),
        }
    }

    async fn ask(&self, action: &str, statement: &str) -> Result<(), ServerError> {
        let failed = |source| ServerError::Sql { action: action.to_owned(), source };
        let mut connection = PgConnection::connect(&self.url_of("postgres")).await.map_err(failed)?;
        connection.execute(sqlx::AssertSqlSafe(statement)).await.map_err(failed)?;
        connection.close().await.map_err(failed)
    }
}

impl Drop for Postgres {
    /// A killed Postgres leaves its shared memory to the system for ever; an immediate shutdown takes it away.
    fn drop(&mut self) {
        self.process.signal(Signal::SIGCONT);
        self.process.signal(Signal::SIGQUIT);
        self.process.wait();
    }
}

fn launch(
    program: &Path,
    home: &Path,
    data: &Path,
    socket: &Path,
    account: Option<Account>,
    options: &PostgresOptions,
) -> Launch {
    let on = |flag: bool| if flag { "on" } else { "off" };
    let settings = [
        "listen_addresses=".to_owned(),
        format!("unix_socket_directories={}", socket.display()),
        "unix_socket_permissions=0700".into(),
        format!("max_connections={}", options.max_connections),
        format!("fsync={}", on(options.fsync)),
        format!("full_page_writes={}", on(options.fsync)),
        "timezone=UTC".into(),
    ];
    let mut launch = Launch::new("postgres", program, home.join("postgres.log"));
    launch.args = vec!["-D".into(), data.display().to_string()];
    launch.args.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
    launch.dir = Some(home.to_owned());
    launch.account = account;
    // SIGTERM would wait for clients that may never leave.
    launch.death_signal = Signal::SIGINT;
    launch
}

/// Beside the data if the path is short enough, else in a folder of its own with a short one.
fn socket_dir(home: &Path, account: Option<Account>) -> Result<(PathBuf, Option<TempDir>), ServerError> {
    let beside = home.join("socket");
    let (folder, short) = if beside.as_os_str().len() <= LONGEST_SOCKET_DIR {
        fs::create_dir_all(&beside).map_err(ServerError::file("create", &beside))?;
        (beside, None)
    } else {
        let short = tempfile::Builder::new()
            .prefix("tributary-")
            .tempdir_in("/tmp")
            .map_err(ServerError::file("create a folder in", "/tmp"))?;
        (short.path().to_owned(), Some(short))
    };
    if let Some(account) = account {
        account::hand_over(&folder, account)?;
    }
    Ok((folder, short))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
