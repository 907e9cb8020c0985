//! The configuration (docs/configuration.md, "Applying"): what is applied becomes a revision in Postgres, which is the truth,
//! goes from there to Redis, and is taken by the processes of all stages.
//!
//! Start at `apply.rs`: plan, judge, append. Then `spread.rs` (publish, and wait for the stages), `publisher.rs` (what heals a
//! crash in between), `history.rs` (earlier revisions) and `running.rs` (what this process runs itself).

mod apply;
mod error;
mod first;
mod history;
mod judge;
mod problems;
mod publisher;
mod request;
mod running;
mod secrets;
mod spread;
pub(crate) mod wire;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tributary_config::Document;
use tributary_storage::{RevisionRow, Storage, StorageError};
use tributary_streams::Redis;

pub(crate) use self::{
    apply::{Applied, Intent},
    error::ConfigurationError,
    first::first,
    publisher::keep_published,
    request::{intent, wait},
    running::{Running, Viewpoint},
    spread::{Spread, Until},
};

/// The configuration of a deployment, as a collector keeps it; clones are the same.
#[derive(Clone)]
pub(crate) struct Configuration {
    redis: Redis,
    storage: Storage,
    /// One permit: checking a configuration compiles every expression of it, and two at once would only build on the same
    /// revision.
    turn: Arc<Semaphore>,
}

/// A revision as it is kept: its name is the one that it was given then.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Kept {
    /// 0 before the first.
    pub(crate) number: u64,
    /// Empty before the first.
    pub(crate) id: String,
    /// Of all tenants.
    pub(crate) documents: Vec<Document>,
}

impl Configuration {
    pub(crate) fn new(redis: Redis, storage: Storage) -> Self {
        Self { redis, storage, turn: Arc::new(Semaphore::new(1)) }
    }

    /// The revision in force; that of number 0 before the first.
    pub(crate) async fn newest(&self) -> Result<Kept, ConfigurationError> {
        self.storage.newest_revision().await?.map(Kept::of).transpose().map(Option::unwrap_or_default)
    }
}

impl Kept {
    fn of(row: RevisionRow) -> Result<Self, ConfigurationError> {
        let RevisionRow { number, id, documents } = row;
        // The parser's text quotes what it read.
        let documents = serde_json::from_value(documents).map_err(|_| StorageError::Data {
            reason: format!("the documents of revision {id} are not what this version writes"),
        })?;
        Ok(Self { number, id, documents })
    }

    /// Its documents of these tenants.
    pub(crate) fn of_tenants(&self, tenants: &[String]) -> Vec<&Document> {
        self.documents.iter().filter(|document| tenants.contains(&document.tenant)).collect()
    }
}
