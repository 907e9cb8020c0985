//! A mesh of real processes: the five stages, as they are deployed, on servers of the test's own.

use anyhow::Context as _;
use std::{
    collections::BTreeMap,
    env,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};
use tonic::transport::{Channel, Endpoint};
use tributary_proto::v1::{
    config_service_client::ConfigServiceClient, dispatch_service_client::DispatchServiceClient,
    ingest_service_client::IngestServiceClient, profile_service_client::ProfileServiceClient,
    workflow_service_client::WorkflowServiceClient,
};
use tributary_servers::{Launch, Process, Stage, free_port, random_secret, tail, wait_serving};

use crate::{Authorised, Bearer, Servers, Signal};

mod another;
mod options;

pub use another::Another;
pub use options::MeshOptions;

const SERVING: Duration = Duration::from_secs(30);
const STOPPING: Duration = Duration::from_secs(20);

/// A running mesh. Dropping it kills it; when a test fails, the end of each stage's log is printed.
#[derive(Debug)]
pub struct Mesh {
    stages: BTreeMap<Stage, Process>,
    addresses: BTreeMap<Stage, SocketAddr>,
    admin_keys: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
    servers: Servers,
}

impl Mesh {
    /// Starts servers and a mesh on them, and waits until every stage is serving.
    ///
    /// # Errors
    /// When a server or a stage does not come up; the end of its log is in the error.
    pub async fn start(options: MeshOptions) -> anyhow::Result<Mesh> {
        Mesh::start_on(Servers::start().await?, options).await
    }

    /// Starts a mesh on servers that are there already.
    ///
    /// # Errors
    /// As [`Mesh::start`].
    pub async fn start_on(servers: Servers, options: MeshOptions) -> anyhow::Result<Mesh> {
        let programs: Vec<String> = options.stages.iter().map(|stage| stage.program_name()).collect();
        let bin = programs_folder(programs.iter().map(String::as_str))?;
        let addresses: BTreeMap<Stage, SocketAddr> =
            Stage::ALL.map(|stage| (stage, (Ipv4Addr::LOCALHOST, free_port()).into())).into();
        let admin_keys = named_secrets(&options.tenants)?;
        let secrets = named_secrets(&tributary_config::required_env(&options.config_dir)?)?;
        let shared = shared_environment(&servers, &options, &admin_keys, &secrets)?;

        let mut mesh = Mesh { stages: BTreeMap::new(), addresses, admin_keys, secrets, servers };
        for stage in &options.stages {
            let mut launch = mesh.launch(*stage, &bin, &shared);
            launch.env.extend(options.stage_env.get(stage).into_iter().flatten().cloned());
            mesh.stages.insert(*stage, Process::start(launch)?);
        }
        for stage in &options.stages {
            mesh.wait_serving(*stage).await?;
        }
        Ok(mesh)
    }

    /// A client for `Track`, with a source's write key.
    #[must_use]
    pub fn ingest(&self, write_key: &str) -> IngestServiceClient<Authorised> {
        IngestServiceClient::with_interceptor(self.channel(Stage::Ingest), Bearer::new(write_key))
    }

    /// A client for reads, with the first tenant's admin key.
    #[must_use]
    pub fn profiles(&self) -> ProfileServiceClient<Authorised> {
        ProfileServiceClient::with_interceptor(
            self.channel(Stage::Collector),
            Bearer::new(self.first_admin_key()),
        )
    }

    /// A client for configuration, with the first tenant's admin key.
    #[must_use]
    pub fn configuration(&self) -> ConfigServiceClient<Authorised> {
        ConfigServiceClient::with_interceptor(
            self.channel(Stage::Collector),
            Bearer::new(self.first_admin_key()),
        )
    }

    /// A client for workflows, with the first tenant's admin key.
    #[must_use]
    pub fn workflows(&self) -> WorkflowServiceClient<Authorised> {
        WorkflowServiceClient::with_interceptor(
            self.channel(Stage::Workflow),
            Bearer::new(self.first_admin_key()),
        )
    }

    /// A client for deliveries and dead letters, with the first tenant's admin key.
    #[must_use]
    pub fn dispatch(&self) -> DispatchServiceClient<Authorised> {
        DispatchServiceClient::with_interceptor(
            self.channel(Stage::Dispatcher),
            Bearer::new(self.first_admin_key()),
        )
    }

    /// A channel to a stage, without a credential. It connects at the first call and again when the stage is back.
    #[must_use]
    pub fn channel(&self, stage: Stage) -> Channel {
        Endpoint::from_shared(self.endpoint(stage))
            .expect("an address makes a URL")
            .connect_timeout(Duration::from_secs(2))
            .connect_lazy()
    }

    /// Where the stage listens, as `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self, stage: Stage) -> String {
        format!("http://{}", self.addresses[&stage])
    }

    /// The admin key of a tenant.
    ///
    /// # Panics
    /// If the mesh was not started for this tenant.
    #[must_use]
    pub fn admin_key(&self, tenant: &str) -> &str {
        self.admin_keys.get(tenant).expect("MeshOptions::tenants names the tenant")
    }

    /// The value made for a `{env: NAME}` reference of the configuration, such as a source's write key.
    ///
    /// # Panics
    /// If the configuration does not refer to it.
    #[must_use]
    pub fn secret(&self, name: &str) -> &str {
        self.secrets.get(name).unwrap_or_else(|| panic!("the configuration has no {{env: {name}}}"))
    }

    /// The servers below the mesh.
    #[must_use]
    pub fn servers(&self) -> &Servers {
        &self.servers
    }

    /// The stage's process id.
    #[must_use]
    pub fn pid(&self, stage: Stage) -> u32 {
        self.process(stage).pid()
    }

    /// SIGKILL, as a crash would.
    pub fn kill(&self, stage: Stage) {
        self.process(stage).kill();
    }

    /// Sends a signal, such as SIGSTOP to pause the stage and SIGCONT to let it go on.
    pub fn signal(&self, stage: Stage, signal: Signal) {
        self.process(stage).signal(signal);
    }

    /// Starts the stage again at the same address, killing it first if it runs, and waits until it is serving.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart(&self, stage: Stage) -> anyhow::Result<()> {
        self.process(stage).restart()?;
        self.wait_serving(stage).await
    }

    /// Stops one stage in order. True if it ended by itself in time, and cleanly.
    pub async fn stop_stage(&self, stage: Stage) -> bool {
        let process = self.process(stage);
        process.stop(Signal::SIGTERM, STOPPING).await
            && process.ended().is_some_and(|status| status.success())
    }

    /// Stops all stages in order, the door first.
    ///
    /// # Errors
    /// Names the stages that had to be killed or did not end cleanly.
    pub async fn stop(&self) -> anyhow::Result<()> {
        let mut unclean = Vec::new();
        for stage in Stage::STOP_ORDER.into_iter().filter(|stage| self.stages.contains_key(stage)) {
            if self.process(stage).ended().is_none() && !self.stop_stage(stage).await {
                unclean.push(stage.name());
            }
        }
        anyhow::ensure!(unclean.is_empty(), "did not stop cleanly: {}", unclean.join(", "));
        Ok(())
    }

    /// Waits until the stage's health service says SERVING.
    ///
    /// # Errors
    /// When it does not within 30 s, or ends.
    pub async fn wait_serving(&self, stage: Stage) -> anyhow::Result<()> {
        Ok(wait_serving(self.process(stage), self.addresses[&stage], SERVING).await?)
    }

    /// The last lines of what the stage logged.
    #[must_use]
    pub fn log(&self, stage: Stage, lines: usize) -> String {
        tail(&self.process(stage).launch().log, lines)
    }

    fn launch(&self, stage: Stage, bin: &Path, shared: &[(String, String)]) -> Launch {
        let log = self.servers.folder().join(format!("{}.log", stage.name()));
        let mut launch = Launch::new(stage.name(), stage.program(bin), log);
        // A developer's own TRIBUTARY_ variables must not decide what a test does.
        launch.clean = true;
        launch.env = shared.to_vec();
        launch.env.extend(stage.addresses(self.addresses[&stage], self.addresses[&Stage::Preprocess]));
        launch
    }

    fn process(&self, stage: Stage) -> &Process {
        self.stages.get(&stage).unwrap_or_else(|| panic!("MeshOptions::stages leaves out {}", stage.name()))
    }

    fn first_admin_key(&self) -> &str {
        self.admin_keys.values().next().expect("MeshOptions::tenants is not empty")
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        // A test that fails by an error has not panicked yet. What tests print that pass is not shown.
        for stage in self.stages.keys() {
            eprintln!("--- the end of {}'s log\n{}", stage.name(), self.log(*stage, 40));
        }
    }
}

fn shared_environment(
    servers: &Servers,
    options: &MeshOptions,
    admin_keys: &BTreeMap<String, String>,
    secrets: &BTreeMap<String, String>,
) -> anyhow::Result<Vec<(String, String)>> {
    let admin_keys: Vec<String> = admin_keys.iter().map(|(tenant, key)| format!("{tenant}:{key}")).collect();
    let config = options
        .config_dir
        .canonicalize()
        .with_context(|| format!("the configuration folder {} is not there", options.config_dir.display()))?;
    let mut variables: Vec<(String, String)> = [
        ("REDIS_URL", servers.redis_url()),
        ("DATABASE_URL", servers.database_url().to_owned()),
        ("TRIBUTARY_CONFIG", config.display().to_string()),
        ("TRIBUTARY_MESH_CREDENTIAL", random_secret()?),
        ("TRIBUTARY_ID_KEY", random_secret()?),
        ("TRIBUTARY_ADMIN_KEYS", admin_keys.join(" ")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if let Some(endpoint) = &options.otlp_endpoint {
        variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT".into(), endpoint.clone()));
    }
    variables.extend(secrets.clone());
    variables.extend(options.env.iter().cloned());
    Ok(variables)
}

fn named_secrets(names: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    names.iter().map(|name| Ok((name.clone(), random_secret()?))).collect()
}

/// Where one of the project's programs lies, such as `tributary`.
///
/// # Errors
/// When the test's own place is not known.
///
/// # Panics
/// If the program has not been built.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    Ok(programs_folder([name])?.join(name))
}

/// `target/<profile>`: a test's program lies one folder deeper, in `deps`.
///
/// # Panics
/// If one of the programs has not been built.
pub(crate) fn programs_folder<'a>(programs: impl IntoIterator<Item = &'a str>) -> anyhow::Result<PathBuf> {
    let own = env::current_exe().context("where the test's own program lies is not known")?;
    let folder = own.ancestors().nth(2).context("the test's own program lies at the top")?.to_owned();
    for program in programs {
        let file = folder.join(program);
        assert!(file.exists(), "{} is missing: run `cargo build --workspace --bins` first", file.display());
    }
    Ok(folder)
}
