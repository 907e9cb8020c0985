//! What can go wrong while an entry or a timer is handled.

use crate::revisions::RevisionError;
use tributary_storage::StorageError;
use tributary_streams::{ReadError, StreamsError};

/// Why it cannot be handled at the moment.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// Redis: everything in memory is dropped.
    #[error(transparent)]
    Streams(StreamsError),
    /// Postgres is away, the profile is being merged or cannot be read, or the configuration is not ready yet: its lane waits.
    #[error("{0}")]
    Wait(String),
    /// The partition is handed over meanwhile: it is left to the next owner, unfinished.
    #[error("the partition is handed over")]
    Stopped,
}

impl From<StreamsError> for Trouble {
    fn from(error: StreamsError) -> Self {
        match error {
            // What is wrong with this one profile must not end the work on its neighbours.
            StreamsError::Broken(_) => Self::Wait(error.to_string()),
            error => Self::Streams(error),
        }
    }
}

impl From<ReadError<StorageError>> for Trouble {
    fn from(error: ReadError<StorageError>) -> Self {
        match error {
            ReadError::Streams(error) => error.into(),
            ReadError::Rows(error) => Self::Wait(error.to_string()),
            ReadError::Moving => Self::Wait(error.to_string()),
        }
    }
}

impl From<RevisionError> for Trouble {
    fn from(error: RevisionError) -> Self {
        match error {
            RevisionError::Streams(error) => error.into(),
            RevisionError::Late | RevisionError::Rows(_) => Self::Wait(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_data_and_a_configuration_that_takes_long_hold_up_one_lane_and_a_lost_lease_ends_all() {
        let odd = || StreamsError::Broken("a list that is none".to_owned());
        let waits: [Trouble; 4] = [
            odd().into(),
            ReadError::Streams(odd()).into(),
            RevisionError::Streams(odd()).into(),
            RevisionError::Late.into(),
        ];
        for trouble in waits {
            assert!(matches!(trouble, Trouble::Wait(_)), "{trouble:?}");
        }
        let ends: [Trouble; 2] =
            [StreamsError::Fenced.into(), RevisionError::Streams(StreamsError::Fenced).into()];
        for trouble in ends {
            assert!(matches!(trouble, Trouble::Streams(StreamsError::Fenced)), "{trouble:?}");
        }
    }
}
