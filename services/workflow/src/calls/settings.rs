//! What operators decide about calls: `TRIBUTARY_WORKFLOW__CALLS__<KEY>`.

use serde::{Deserialize, Serialize};

/// Settings of the calls that workflows make.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallSettings {
    /// Hosts that may be called although their address is private: `host` or `host:port`, separated by commas. Who may apply
    /// a workflow decides what is called; what only the mesh can reach is reached by these names alone.
    pub allowed_hosts: String,
    /// How many calls of one host may be under way at once; further ones wait, until their time is up.
    pub concurrency: usize,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self { allowed_hosts: String::new(), concurrency: 64 }
    }
}
