//! This stage's own settings: `TRIBUTARY_PREPROCESS__<KEY>`.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

/// Settings of preprocess.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How many connections to Postgres.
    pub connections: u32,
    /// Changes of one profile that may wait for the collector.
    pub pending_limit: usize,
    /// Entries that a partition's streams may hold.
    pub stream_limit: usize,
    /// Calls that may wait for more than acceptance at once; one more is told to come back. They count among the 1024 that are
    /// worked on at once.
    pub waiting: usize,
    /// How long a snapshot that a read installs lives.
    #[serde(with = "humantime_serde")]
    pub snapshot_life: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 7702).into(),
            connections: 8,
            pending_limit: 20_000,
            stream_limit: 1_000_000,
            waiting: 512,
            snapshot_life: Duration::from_secs(3600),
        }
    }
}
