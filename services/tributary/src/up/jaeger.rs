//! Where traces go: to the endpoint that was given, else to a Jaeger started here, else nowhere.

mod settings;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::net::TcpStream;
use tributary_servers::{Launch, Process, ServerError, find_program, free_port, is_free};

use super::folder::Folder;
use crate::environment::given;

const READY: Duration = Duration::from_secs(20);
const STOP: Duration = Duration::from_secs(5);
const USUAL_UI_PORT: u16 = 16686;

/// Where the stages export to.
pub(super) enum Traces {
    /// To what `OTEL_EXPORTER_OTLP_ENDPOINT` names.
    Given,
    /// To a Jaeger of this mesh's own.
    Jaeger(Jaeger),
    /// Nowhere, for this reason.
    Nowhere(String),
}

pub(super) struct Jaeger {
    process: Process,
    ports: Ports,
}

/// The ports that Jaeger is told to use.
struct Ports {
    otlp: u16,
    ui: u16,
    /// For what nobody here uses but every version opens.
    others: [u16; 5],
}

impl Traces {
    /// Never fails: the mesh is as useful without its traces.
    pub(super) async fn start(folder: &Folder) -> Traces {
        if given("OTEL_EXPORTER_OTLP_ENDPOINT").is_some() {
            return Traces::Given;
        }
        let Some(program) = program() else {
            return Traces::Nowhere("no Jaeger found; `deploy/up --with-jaeger` builds one".into());
        };
        println!("starting Jaeger");
        match Jaeger::start(&program, folder).await {
            Ok(jaeger) => Traces::Jaeger(jaeger),
            Err(error) => Traces::Nowhere(format!("Jaeger did not start: {error:#}")),
        }
    }

    /// The endpoint that the stages have to be told; a given one they see themselves.
    pub(super) fn endpoint(&self) -> Option<String> {
        match self {
            Traces::Jaeger(jaeger) => Some(format!("http://127.0.0.1:{}", jaeger.ports.otlp)),
            Traces::Given | Traces::Nowhere(_) => None,
        }
    }

    /// For people.
    pub(super) fn shown(&self) -> String {
        match self {
            Traces::Given => "exported to OTEL_EXPORTER_OTLP_ENDPOINT".into(),
            Traces::Jaeger(jaeger) => format!("http://127.0.0.1:{}/", jaeger.ports.ui),
            Traces::Nowhere(reason) => reason.clone(),
        }
    }

    pub(super) async fn stop(&self) {
        if let Traces::Jaeger(jaeger) = self {
            jaeger.process.stop(nix::sys::signal::Signal::SIGTERM, STOP).await;
        }
    }
}

impl Jaeger {
    async fn start(program: &Path, folder: &Folder) -> anyhow::Result<Jaeger> {
        let ui = if is_free(USUAL_UI_PORT) { USUAL_UI_PORT } else { free_port() };
        let ports = Ports { otlp: free_port(), ui, others: [(); 5].map(|()| free_port()) };
        let mut launch = Launch::new("jaeger", program, folder.fresh_log("jaeger")?);
        // It would trace itself, and send that to a port where nobody listens.
        launch.env = vec![("OTEL_TRACES_SAMPLER".into(), "always_off".into())];
        launch.args = settings::arguments(program, &ports, &folder.path("jaeger.yaml"))?;
        let process = Process::start(launch)?;
        listens(&process, ports.otlp).await?;
        Ok(Jaeger { process, ports })
    }
}

fn program() -> Option<PathBuf> {
    let found = || ["jaeger", "jaeger-all-in-one"].iter().find_map(|name| find_program(name, "").ok());
    given("JAEGER_BIN").map(PathBuf::from).or_else(found)
}

async fn listens(process: &Process, port: u16) -> Result<(), ServerError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    process
        .ready(
            READY,
            || async move { TcpStream::connect(address).await.map(drop).map_err(|e| e.to_string()) },
        )
        .await
}
