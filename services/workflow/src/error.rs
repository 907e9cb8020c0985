//! What can go wrong while an entry or a timer is handled.

use crate::revisions::RevisionError;
use tributary_storage::StorageError;
use tributary_streams::{ReadError, StreamsError};

/// Why it cannot be handled at the moment.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// Redis: everything in memory is dropped.
    #[error(transparent)]
    Streams(#[from] StreamsError),
    /// Postgres is away, the profile is being merged, or cannot be read: its lane waits.
    #[error("{0}")]
    Wait(String),
    /// The partition is handed over meanwhile: it is left to the next owner, unfinished.
    #[error("the partition is handed over")]
    Stopped,
}

impl From<ReadError<StorageError>> for Trouble {
    fn from(error: ReadError<StorageError>) -> Self {
        match error {
            // What is wrong with this one profile must not end the work on its neighbours.
            ReadError::Streams(StreamsError::Broken(reason)) => Self::Wait(reason),
            ReadError::Streams(error) => Self::Streams(error),
            ReadError::Rows(error) => Self::Wait(error.to_string()),
            ReadError::Moving => Self::Wait(error.to_string()),
        }
    }
}

impl From<RevisionError> for Trouble {
    fn from(error: RevisionError) -> Self {
        match error {
            RevisionError::Streams(error) => Self::Streams(error),
            RevisionError::Rows(error) => Self::Wait(error.to_string()),
        }
    }
}
