//! This stage's own settings: `TRIBUTARY_INGEST__<KEY>`.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

/// Settings of ingest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where preprocess listens; several URLs are separated by commas.
    pub preprocess: String,
    /// How long a call without a deadline may take.
    #[serde(with = "humantime_serde")]
    pub patience: Duration,
    /// Calls worked on at once; one more is told to come back. At most half of them may wait for more than acceptance.
    pub max_concurrent: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 7701).into(),
            preprocess: "http://127.0.0.1:7702".to_owned(),
            patience: Duration::from_secs(10),
            max_concurrent: 1024,
        }
    }
}
