//! This stage's own settings: `TRIBUTARY_WORKFLOW__<KEY>`.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

/// Settings of workflow.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where preprocess listens, for derived events; several URLs are separated by commas.
    pub preprocess: String,
    /// Connections to Postgres.
    pub database_connections: u32,
    /// Entries of one partition in hand at once: running, or waiting behind others of their profile.
    pub in_hand: usize,
    /// An entry that was handed out more often than this is given up on: it may be what ends the process.
    pub deliveries: u64,
    /// How long a snapshot that a read installs lives.
    #[serde(with = "humantime_serde")]
    pub snapshot_life: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 7703).into(),
            preprocess: "http://127.0.0.1:7702".to_owned(),
            database_connections: 4,
            in_hand: 256,
            deliveries: 8,
            snapshot_life: Duration::from_secs(3600),
        }
    }
}
