//! The configuration that an event is run under: the one that it was accepted under.
//!
//! Preprocess may be a moment ahead of this stage or, where a backlog waits, hours behind it. What becomes of an event must
//! not depend on that.

use std::sync::{Arc, Mutex, PoisonError};
use tributary_config::{Config, number_of};
use tributary_streams::{Live, StreamsError};

/// The revisions of the configuration.
pub(crate) struct Revisions {
    live: Arc<Live<Config>>,
    /// The one that was last said to be missing: a backlog of its events says it once.
    missed: Mutex<String>,
}

impl Revisions {
    pub(crate) fn new(live: Arc<Live<Config>>) -> Self {
        Self { live, missed: Mutex::default() }
    }

    /// The revision of this name; where it is gone or cannot be prepared here, the one that runs now.
    ///
    /// # Errors
    /// Redis did not answer.
    pub(crate) async fn of(&self, revision: &str) -> Result<Arc<Config>, StreamsError> {
        let found = match number_of(revision) {
            Some(number) => self.live.at(number).await?,
            None => None,
        };
        // A database that was set back may give a number out a second time. The digest tells.
        if let Some(own) = found.filter(|own| own.revision == revision) {
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
