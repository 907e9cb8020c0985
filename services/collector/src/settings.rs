//! What can be set for this stage, by `TRIBUTARY_COLLECTOR__<KEY>`.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

/// The collector's own settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How many calls are worked on at once.
    pub max_concurrent: usize,
    /// How many calls may watch at once, each on a connection of its own to Redis. Where several tenants have admin keys, one of
    /// them has at most half.
    pub watchers: usize,
    /// How many connections to Postgres; flushes and reads share them. At least 2.
    pub connections: u32,
    /// How long changes wait at most before they are folded and stored, while nothing is behind.
    #[serde(with = "humantime_serde")]
    pub flush_interval: Duration,
    /// How many changes one flush folds at most. A flush that was full is followed by the next at once.
    pub flush_changes: usize,
    /// How many partitions flush at once; bounds memory and leaves connections to reads.
    pub concurrent_flushes: usize,
    /// How many folded rows each owned partition keeps in memory.
    pub cached_rows: usize,
    /// How long a snapshot stays in Redis after the last flush or read that set it.
    #[serde(with = "humantime_serde")]
    pub snapshot_life: Duration,
    /// How long public streams keep what the mesh itself has finished.
    #[serde(with = "humantime_serde")]
    pub stream_retention: Duration,
    /// How many entries of a public stream a partition keeps at most.
    pub stream_entries: usize,
    /// How long dead letters are kept.
    #[serde(with = "humantime_serde")]
    pub dead_letter_retention: Duration,
    /// After how many days stored events are dropped; 0 keeps them for ever.
    pub event_retention: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7704)),
            max_concurrent: 1024,
            watchers: 64,
            connections: 12,
            flush_interval: Duration::from_secs(1),
            flush_changes: 1000,
            concurrent_flushes: 4,
            cached_rows: 4096,
            snapshot_life: Duration::from_secs(3600),
            stream_retention: Duration::from_secs(24 * 3600),
            stream_entries: 100_000,
            dead_letter_retention: Duration::from_secs(30 * 24 * 3600),
            event_retention: 0,
        }
    }
}
