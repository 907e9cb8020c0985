//! The configuration that something is run under: an event under the one that it was accepted under, a paused run under the
//! one that it started on.
//!
//! Preprocess may be a moment ahead of this stage or, where a backlog waits, hours behind it; a run may pause for months.
//! What becomes of either must not depend on that.

mod past;

use past::Past;
use std::sync::{Arc, Mutex, PoisonError};
use tributary_config::{Config, number_of};
use tributary_storage::{Storage, StorageError};
use tributary_streams::{Live, LiveError, StreamsError};

/// The revisions of the configuration.
pub(crate) struct Revisions {
    live: Arc<Live<Config>>,
    /// Those that are in Postgres alone.
    past: Past,
    /// The one that was last said to be missing: a backlog of its events says it once.
    missed: Mutex<String>,
}

/// Why it is not known whether a revision can be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RevisionError {
    /// Redis did not answer.
    #[error(transparent)]
    Streams(#[from] StreamsError),
    /// It takes long to prepare.
    #[error("its configuration is not prepared yet")]
    Late,
    /// Postgres did not answer.
    #[error(transparent)]
    Rows(#[from] StorageError),
}

/// What became of one revision.
#[derive(Debug, Clone)]
pub(crate) enum Exactly {
    /// It is ready.
    Here(Arc<Config>),
    /// It is there, and this release cannot prepare it.
    Unprepared,
    /// Nobody has it.
    Gone,
}

impl From<LiveError> for RevisionError {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::Streams(error) => Self::Streams(error),
            LiveError::Late => Self::Late,
        }
    }
}

impl Revisions {
    pub(crate) fn new(live: Arc<Live<Config>>, storage: Storage) -> Self {
        Self { live, past: Past::new(storage), missed: Mutex::default() }
    }

    /// The revision of this name; where it is gone or cannot be prepared here, the one that runs now.
    ///
    /// # Errors
    /// Redis did not answer, or it is not prepared yet.
    pub(crate) async fn of(&self, revision: &str) -> Result<Arc<Config>, RevisionError> {
        if let Some(own) = self.recent(revision).await? {
            return Ok(own);
        }
        let current = self.live.current();
        if self.is_news(revision) {
            let instead = current.revision.as_str();
            tracing::warn!(
                revision,
                instead,
                "events run under another configuration: their own is not there any more"
            );
        }
        Ok(current)
    }

    /// The revision of this name and no other: from memory, from Redis, or from Postgres, which has them all.
    ///
    /// # Errors
    /// Redis or Postgres did not answer, or it is not prepared yet: whether it can be had is not known.
    pub(crate) async fn exactly(&self, revision: &str) -> Result<Exactly, RevisionError> {
        match self.recent(revision).await? {
            Some(own) => Ok(Exactly::Here(own)),
            None => Ok(self.past.get(revision).await?),
        }
    }

    /// One of those that memory or Redis have.
    async fn recent(&self, revision: &str) -> Result<Option<Arc<Config>>, RevisionError> {
        let found = match number_of(revision) {
            Some(number) => self.live.at(number).await?,
            None => None,
        };
        // A database that was set back may give a number out a second time. The digest tells.
        Ok(found.filter(|own| own.revision == revision))
    }

    fn is_news(&self, revision: &str) -> bool {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        if *missed == revision {
            return false;
        }
        revision.clone_into(&mut missed);
        true
    }
}

#[cfg(test)]
mod tests;
