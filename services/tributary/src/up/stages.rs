//! The five processes: started together, watched, stopped in order.

use anyhow::{Context as _, bail, ensure};
use nix::sys::signal::Signal;
use std::{
    env,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};
use tributary_servers::{Launch, Process, Stage, free_port, is_free, wait_serving};

use super::{folder::Folder, jaeger::Traces, logs::Warnings, secrets::Secrets, servers::Servers};
use crate::EnvFile;

const SERVING: Duration = Duration::from_secs(60);

/// Longer than the time that a stage itself gives its work to finish.
const STOPPING: Duration = Duration::from_secs(15);

/// The five, in the order of [`Stage::ALL`].
pub(super) struct Stages {
    running: Vec<Running>,
}

struct Running {
    stage: Stage,
    address: SocketAddr,
    process: Process,
    warnings: Warnings,
}

impl Stages {
    pub(super) async fn start(
        folder: &Folder,
        config: &Path,
        secrets: &Secrets,
        servers: &Servers,
        traces: &Traces,
    ) -> anyhow::Result<Stages> {
        let own = env::current_exe().context("where this program lies is not known")?;
        let bin = own.parent().context("this program lies nowhere")?;
        let addresses = Stage::ALL.map(|stage| (stage, SocketAddr::from((Ipv4Addr::LOCALHOST, port(stage)))));
        let preprocess = addresses[1].1;

        let mut shared = secrets.for_stages();
        shared.push(("REDIS_URL".into(), servers.redis_url.clone()));
        shared.push(("DATABASE_URL".into(), servers.database_url.clone()));
        shared.push(("TRIBUTARY_CONFIG".into(), config.display().to_string()));
        shared.extend(traces.endpoint().map(|endpoint| ("OTEL_EXPORTER_OTLP_ENDPOINT".into(), endpoint)));

        println!("starting the mesh");
        let mut stages = Stages { running: Vec::new() };
        for (stage, address) in addresses {
            let program = stage.program(bin);
            ensure!(
                program.exists(),
                "{} is missing: build it with `cargo build --release --bins`",
                program.display()
            );
            let log = folder.fresh_log(stage.name())?;
            let mut launch = Launch::new(stage.name(), program, &log);
            launch.env = shared.clone();
            launch.env.extend(stage.addresses(address, preprocess));
            let process = Process::start(launch)?;
            stages.running.push(Running { stage, address, process, warnings: Warnings::of(stage, log) });
        }
        for running in &stages.running {
            wait_serving(&running.process, running.address, SERVING).await?;
        }
        Ok(stages)
    }

    /// Names and addresses, for people.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (Stage, SocketAddr)> {
        self.running.iter().map(|running| (running.stage, running.address))
    }

    /// Addresses and process ids, for programs.
    pub(super) fn describe(&self, file: &mut EnvFile) {
        for running in &self.running {
            file.set(variable(running.stage), format!("http://{}", running.address));
            file.set(
                format!("TRIBUTARY_PID_{}", running.stage.variable()),
                running.process.pid().to_string(),
            );
        }
    }

    /// Shows what the stages have warned of since the last time.
    pub(super) fn show_warnings(&mut self) {
        for running in &mut self.running {
            running.warnings.show();
        }
    }

    /// An error as soon as one of them has ended.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for running in &self.running {
            if let Some(status) = running.process.ended() {
                bail!(running.process.ended_error(status));
            }
        }
        Ok(())
    }

    /// Stops them one after the other, so that what one has accepted the next can still take.
    pub(super) async fn stop(&self) {
        for stage in Stage::STOP_ORDER {
            for running in self.running.iter().filter(|running| running.stage == stage) {
                if running.process.ended().is_none() && !running.process.stop(Signal::SIGTERM, STOPPING).await
                {
                    println!("{} did not stop within {STOPPING:?} and was killed", stage.name());
                }
            }
        }
    }
}

/// The usual port if it is free, so that commands can be repeated; else any.
fn port(stage: Stage) -> u16 {
    let usual = stage.default_port();
    if is_free(usual) { usual } else { free_port() }
}

/// Named after what clients do there: the collector is where profiles are read.
fn variable(stage: Stage) -> &'static str {
    match stage {
        Stage::Ingest => "TRIBUTARY_INGEST_URL",
        Stage::Preprocess => "TRIBUTARY_PREPROCESS_URL",
        Stage::Workflow => "TRIBUTARY_WORKFLOW_URL",
        Stage::Collector => "TRIBUTARY_PROFILES_URL",
        Stage::Dispatcher => "TRIBUTARY_DISPATCH_URL",
    }
}
