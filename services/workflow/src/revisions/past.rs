//! Revisions that are in Postgres alone: runs that paused long ago finish on them.

use super::Exactly;
use lru::LruCache;
use serde::Deserialize as _;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;
use tributary_config::{Config, Document, Revision, number_of};
use tributary_storage::{RevisionRow, Storage, StorageError};

/// How many are kept prepared. More than a few are wanted only where the configuration changes often and runs wait for long.
const KEPT: NonZeroUsize = NonZeroUsize::new(8).expect("more than zero");

/// One revision; prepared once for all who want it meanwhile.
type Slot = Arc<OnceCell<Exactly>>;

/// Past revisions, prepared when they are wanted.
pub(super) struct Past {
    storage: Storage,
    slots: Mutex<LruCache<String, Slot>>,
}

impl Past {
    pub(super) fn new(storage: Storage) -> Self {
        Self { storage, slots: Mutex::new(LruCache::new(KEPT)) }
    }

    /// The revision of this name.
    pub(super) async fn get(&self, revision: &str) -> Result<Exactly, StorageError> {
        let slot = self.slot(revision);
        slot.get_or_try_init(|| self.prepare(revision)).await.cloned()
    }

    fn slot(&self, revision: &str) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.get_or_insert(revision.to_owned(), Slot::default).clone()
    }

    async fn prepare(&self, revision: &str) -> Result<Exactly, StorageError> {
        let Some(number) = number_of(revision) else { return Ok(Exactly::Gone) };
        let row = self.storage.revision(number).await?.filter(|row| row.id == revision);
        let Some(row) = row else { return Ok(Exactly::Gone) };
        // Expressions are compiled away from the threads that run events.
        let config = tokio::task::spawn_blocking(move || config_of(row))
            .await
            .unwrap_or_else(|_| Err("preparing it panicked; see the log".to_owned()));
        match config {
            Ok(config) => Ok(Exactly::Here(Arc::new(config))),
            Err(reason) => {
                tracing::error!(revision, reason, "a past configuration cannot be prepared by this release");
                Ok(Exactly::Unprepared)
            }
        }
    }
}

fn config_of(row: RevisionRow) -> Result<Config, String> {
    // The parser's text quotes what it read.
    let documents = Vec::<Document>::deserialize(row.documents)
        .map_err(|_| "its documents are not what this version writes".to_owned())?;
    Config::of(&Revision::new(row.number, documents)).map_err(|errors| errors.to_string())
}
