//! This stage's own settings: `TRIBUTARY_WORKFLOW__<KEY>`.

use crate::calls::CallSettings;
use crate::lanes::Bounds;
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
    /// How many connections to Postgres.
    pub connections: u32,
    /// Profiles of one partition that are worked on at once.
    pub lanes: usize,
    /// Profiles of one partition that, beside those, only wait: for answers of calls, or for Postgres. One tenant has no more
    /// profiles under way than could still begin.
    pub waiting: usize,
    /// An entry that was handed out more often than this is given up on: it may be what ends the process.
    pub deliveries: u64,
    /// How long a snapshot that a read installs lives.
    #[serde(with = "humantime_serde")]
    pub snapshot_life: Duration,
    /// How long calls of workflows that are under way may take to finish when a partition is handed over or the process stops;
    /// then they are broken off and repeated by the next owner. Less than the ten seconds that a process has to stop.
    #[serde(with = "humantime_serde")]
    pub finish: Duration,
    /// Which events' runs are kept, for who asks later what took place. Each costs a few hundred bytes of Redis for the dedup
    /// window.
    pub keep_runs: KeepRuns,
    /// What calls of workflows may do.
    pub calls: CallSettings,
}

/// Which events' runs are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeepRuns {
    /// Of every event that had any; without values where nobody asked for them.
    #[default]
    All,
    /// Of events whose runs somebody asked for along with their end.
    Awaited,
}

impl Settings {
    /// How many lanes may be begun.
    pub(crate) fn bounds(&self) -> Bounds {
        // Without any, nothing would ever be done.
        Bounds { lanes: self.lanes.max(1), waiting: self.waiting }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 7703).into(),
            preprocess: "http://127.0.0.1:7702".to_owned(),
            connections: 4,
            lanes: 128,
            waiting: 1024,
            deliveries: 64,
            snapshot_life: Duration::from_secs(3600),
            finish: Duration::from_secs(8),
            keep_runs: KeepRuns::default(),
            calls: CallSettings::default(),
        }
    }
}
