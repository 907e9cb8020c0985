//! Brings the mesh up on this machine: servers, five processes, and their end.
//!
//! Everything is kept in `.tributary` of the current folder: data, logs, secrets, and `env`, which says where
//! everything is. Nothing is restarted silently: if a part ends, all of it ends, with the reason.

mod admin_keys;
mod folder;
mod jaeger;
mod logs;
mod report;
mod secrets;
mod servers;
mod stages;
mod standing;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use self::{
    folder::Folder,
    jaeger::Traces,
    secrets::Secrets,
    servers::Servers,
    stages::Stages,
    standing::{Directory, Standing},
};
use crate::{
    cli::{self, Globals},
    environment::given,
};

const EXAMPLE: &str = "deploy/example";

/// How to bring the mesh up.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary up                            with deploy/example as the first configuration
  tributary up --config shop              with the documents in shop

Everything is kept in .tributary of the current folder; what documents name as secrets can be put into
.tributary/secrets, one file for each name. The directory is only the first configuration: once the mesh has one, it is
changed with `tributary apply`. With REDIS_URL and DATABASE_URL set, those servers are used instead of private ones.")]
pub(crate) struct Args {
    /// The folder of documents to begin with; else the one in TRIBUTARY_CONFIG, else deploy/example.
    #[arg(long, value_name = "DIR", value_parser = cli::directory)]
    config: Option<PathBuf>,
}

/// Starts everything, waits for Ctrl-C or SIGTERM, stops everything. A second signal ends it at once.
///
/// # Errors
/// When a part is missing, does not come up, or ends while the mesh runs.
pub(crate) async fn run(args: Args, globals: &Globals) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let set = || given("TRIBUTARY_CONFIG").unwrap_or_else(|| EXAMPLE.into()).into();
    let config = args.config.unwrap_or_else(set);
    let mut mesh = tokio::select! {
        mesh = Mesh::start(&config, globals) => mesh?,
        () = signals.next() => return Ok(()),
    };
    report::print(&mesh);

    let outcome = tokio::select! {
        ended = mesh.watch() => ended,
        () = signals.next() => Ok(()),
    };
    match &outcome {
        Ok(()) => println!("stopping"),
        // Stopping can take a while; the whole error comes at the end.
        Err(error) => println!("stopping: {}", error.to_string().lines().next().unwrap_or_default()),
    }
    tokio::select! {
        () = mesh.stop() => {}
        () = signals.next() => println!("stopped at once; what was acknowledged is kept"),
    }
    outcome
}

/// What runs; the fields are in the order in which they have to end.
struct Mesh {
    stages: Stages,
    traces: Traces,
    servers: Servers,
    folder: Folder,
    standing: Standing,
    directory: Directory,
    secrets: Secrets,
}

impl Mesh {
    async fn start(documents: &Path, globals: &Globals) -> anyhow::Result<Mesh> {
        let folder = Folder::open()?;
        // Left by a mesh that was killed: until this one is up, there is none.
        folder.forget_env_file();
        let directory = Directory::read(documents, &folder, globals)?;
        let servers = Servers::start(&folder).await?;
        tributary_storage::migrate(&servers.database_url)
            .await
            .context("cannot bring the database up to date")?;
        let standing = Standing::find(&servers.database_url, &directory).await?;
        let secrets = Secrets::load(&folder, &standing)?;
        let traces = Traces::start(&folder).await;
        let stages = Stages::start(&folder, &directory.path, &secrets, &servers, &traces).await?;
        let mesh = Mesh { stages, traces, servers, folder, standing, directory, secrets };
        mesh.tell_where_everything_is()?;
        Ok(mesh)
    }

    /// For `tributary send`, `tributary profile` and scripts.
    fn tell_where_everything_is(&self) -> anyhow::Result<()> {
        let mut file = self.secrets.for_clients();
        self.stages.describe(&mut file);
        file.set("REDIS_URL", &*self.servers.redis_url);
        file.set("DATABASE_URL", &*self.servers.database_url);
        file.write(&self.folder.env_file())
    }

    /// Shows warnings as they are logged, until a part ends.
    async fn watch(&mut self) -> anyhow::Result<()> {
        loop {
            self.stages.show_warnings();
            self.stages.check()?;
            self.servers.check()?;
            tokio::time::sleep(logs::INTERVAL).await;
        }
    }

    async fn stop(&mut self) {
        self.stages.stop().await;
        self.stages.show_warnings();
        self.traces.stop().await;
        self.servers.stop().await;
        self.folder.forget_env_file();
    }
}

struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
