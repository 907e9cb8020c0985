//! What can go wrong while an entry is handled.

use tributary_storage::StorageError;
use tributary_streams::{ReadError, StreamsError};

/// Why an entry cannot be handled at the moment.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// Redis: everything in memory is dropped.
    #[error(transparent)]
    Streams(#[from] StreamsError),
    /// Postgres is away, the profile is being merged, or cannot be read: its lane waits.
    #[error("{0}")]
    Wait(String),
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
