//! What the answers to payloads wait for, as it is written on the command line and in NDJSON.

use serde::Deserialize;
use tributary_proto::v1;

/// How far events have come when their payload is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(super) enum WaitFor {
    /// Recorded.
    Accepted,
    /// Their workflows have run.
    Workflow,
    /// They, and all that they changed, are in Postgres.
    Stored,
    /// Every destination has taken what they changed.
    Delivered,
}

impl From<WaitFor> for v1::WaitFor {
    fn from(level: WaitFor) -> Self {
        match level {
            WaitFor::Accepted => Self::Accepted,
            WaitFor::Workflow => Self::Workflow,
            WaitFor::Stored => Self::Stored,
            WaitFor::Delivered => Self::Delivered,
        }
    }
}
