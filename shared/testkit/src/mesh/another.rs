//! A second process of a stage, beside the one that the mesh started.

use std::net::{Ipv4Addr, SocketAddr};
use tributary_servers::{Process, Stage, free_port, tail, wait_serving};

use super::{Mesh, SERVING};
use crate::Signal;

/// One more process of a stage, with an address of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Another {
    process: Process,
}

impl Mesh {
    /// Starts one more process of a stage, set up like the mesh's own, and waits until it is serving.
    ///
    /// # Errors
    /// When it does not come up; the end of its log is in the error.
    pub async fn another(&self, stage: Stage) -> anyhow::Result<Another> {
        let address: SocketAddr = (Ipv4Addr::LOCALHOST, free_port()).into();
        let mut launch = self.process(stage).launch().clone();
        launch.log = self.servers.folder().join(format!("{}-{}.log", stage.name(), address.port()));
        // Of two equal variables the later one holds.
        launch.env.push((format!("TRIBUTARY_{}__LISTEN", stage.variable()), address.to_string()));
        let process = Process::start(launch)?;
        wait_serving(&process, address, SERVING).await?;
        Ok(Another { process })
    }
}

impl Another {
    /// SIGKILL, as a crash would.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// The last lines of what it logged.
    #[must_use]
    pub fn log(&self, lines: usize) -> String {
        tail(&self.process.launch().log, lines)
    }
}
