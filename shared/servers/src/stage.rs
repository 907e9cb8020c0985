//! The five stages as processes: their names, their ports, what tells them where the others are.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{Process, ServerError};

/// A stage of the mesh; ordered as an event passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The door for clients.
    Ingest,
    /// The only writer of events.
    Preprocess,
    /// Runs the workflows.
    Workflow,
    /// Folds changes, stores events, answers reads.
    Collector,
    /// Sends to the outside.
    Dispatcher,
}

impl Stage {
    /// All five.
    pub const ALL: [Stage; 5] =
        [Stage::Ingest, Stage::Preprocess, Stage::Workflow, Stage::Collector, Stage::Dispatcher];

    /// The order to stop them in: the door first, those who write what others made last.
    pub const STOP_ORDER: [Stage; 5] =
        [Stage::Ingest, Stage::Preprocess, Stage::Workflow, Stage::Dispatcher, Stage::Collector];

    /// Such as `ingest`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Stage::Ingest => "ingest",
            Stage::Preprocess => "preprocess",
            Stage::Workflow => "workflow",
            Stage::Collector => "collector",
            Stage::Dispatcher => "dispatcher",
        }
    }

    /// Such as `INGEST`: the part of variable names.
    #[must_use]
    pub fn variable(self) -> String {
        self.name().to_uppercase()
    }

    /// The port that a mesh uses when nothing is said: 7701 to 7705.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Stage::Ingest => 7701,
            Stage::Preprocess => 7702,
            Stage::Workflow => 7703,
            Stage::Collector => 7704,
            Stage::Dispatcher => 7705,
        }
    }

    /// The file name of its program, such as `tributary-ingest`.
    #[must_use]
    pub fn program_name(self) -> String {
        format!("tributary-{}", self.name())
    }

    /// The stage's program in the folder `bin`.
    #[must_use]
    pub fn program(self, bin: &Path) -> PathBuf {
        bin.join(self.program_name())
    }

    /// The variables that tell the stage where it listens and, if it calls it, where preprocess is.
    #[must_use]
    pub fn addresses(self, own: SocketAddr, preprocess: SocketAddr) -> Vec<(String, String)> {
        let mut variables = vec![(format!("TRIBUTARY_{}__LISTEN", self.variable()), own.to_string())];
        if self.calls_preprocess() {
            variables
                .push((format!("TRIBUTARY_{}__PREPROCESS", self.variable()), format!("http://{preprocess}")));
        }
        variables
    }

    /// Clients' payloads and derived events enter by preprocess; the others have nothing to hand in.
    fn calls_preprocess(self) -> bool {
        matches!(self, Stage::Ingest | Stage::Workflow)
    }
}

/// Waits until the stage's health service says SERVING.
///
/// # Errors
/// [`ServerError::Ended`] or [`ServerError::NotReady`], with the end of the stage's log.
pub async fn wait_serving(
    process: &Process,
    address: SocketAddr,
    within: Duration,
) -> Result<(), ServerError> {
    process.ready(within, || check_serving(address)).await
}

/// Asks the health service once.
///
/// # Errors
/// Why the answer is not SERVING.
pub async fn check_serving(address: SocketAddr) -> Result<(), String> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .map_err(|error| error.to_string())?
        .connect_timeout(Duration::from_secs(1))
        .timeout(Duration::from_secs(2));
    let channel = endpoint.connect().await.map_err(|error| format!("{address} does not answer: {error}"))?;
    let answer = HealthClient::new(channel).check(HealthCheckRequest::default()).await;
    match answer.map(|answer| answer.into_inner().status()) {
        Ok(ServingStatus::Serving) => Ok(()),
        Ok(status) => Err(format!("its health is {}", status.as_str_name())),
        Err(status) => Err(format!("its health is not known: {}", status.message())),
    }
}
