//! What can be set for this stage, by `TRIBUTARY_DISPATCHER__<KEY>`.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

/// The dispatcher's own settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How many calls are worked on at once.
    pub max_concurrent: usize,
    /// How many connections to Postgres; only profiles that are not in Redis are read there.
    pub connections: u32,
    /// How long a snapshot that a delivery's read installs stays in Redis.
    #[serde(with = "humantime_serde")]
    pub snapshot_life: Duration,
    /// How long requests under way may take to finish when a partition is handed over or the process stops; then they
    /// are broken off and repeated by the next owner. Less than the ten seconds that a process has to stop.
    #[serde(with = "humantime_serde")]
    pub finish: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7705)),
            max_concurrent: 256,
            connections: 4,
            snapshot_life: Duration::from_secs(3600),
            finish: Duration::from_secs(8),
        }
    }
}
