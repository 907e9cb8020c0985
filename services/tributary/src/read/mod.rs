//! What a running mesh knows and does: profiles, sessions, events, and how far it is behind.

pub(crate) mod events;
mod follow;
pub(crate) mod lag;
pub(crate) mod profile;
pub(crate) mod session;
mod shown;
pub(crate) mod tail;

use std::{future::Future, time::Duration};

use tonic::Request;

pub(crate) use shown::{profile, profile_text, time};

/// How long a read may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where reads are served.
#[derive(Debug, clap::Args)]
pub(crate) struct Address {
    /// The address of the collector, which serves reads and configuration.
    #[arg(long, env = "TRIBUTARY_PROFILES_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
}

/// A call that is not waited for endlessly.
fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(PATIENCE);
    request
}

/// Until it ends, or Ctrl-C, with which a watch ends well.
async fn until_interrupted(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::select! {
        outcome = work => outcome,
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}
