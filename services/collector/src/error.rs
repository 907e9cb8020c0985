//! What a read can meet, in the caller's terms.

use std::time::Duration;

use tributary_model::IdError;
use tributary_runtime::{Fault, Problem, ServiceError};
use tributary_storage::StorageError;
use tributary_streams::{FollowError, StreamsError};

/// When a caller should try again if a server is away: leases and connection attempts are of this order.
const SOON: Duration = Duration::from_secs(1);

/// Watchers stay for long; another process may have room at once.
const WATCHERS_STAY: Duration = Duration::from_secs(5);

/// Why a read has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// Redis.
    #[error(transparent)]
    Streams(#[from] StreamsError),
    /// Postgres.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The caller's credential, or the end of a stream of answers.
    #[error(transparent)]
    Refused(#[from] Problem),
    /// A public stream cannot be followed, or not any further.
    #[error(transparent)]
    Follow(FollowError),
    /// As many watch as may.
    #[error("{whose} already has the {most} watchers that it may have")]
    Watchers {
        /// The process, or the tenant.
        whose: &'static str,
        /// How many that is.
        most: usize,
    },
    /// An id in the request.
    #[error("`{field}`: {error}")]
    Id {
        /// The request's field.
        field: &'static str,
        /// What is wrong with it.
        error: IdError,
    },
    /// More was asked for than a page holds.
    #[error("a page has at most {most} entries")]
    PageSize {
        /// The most that may be asked for.
        most: u32,
    },
    /// Events of too many types were asked for.
    #[error("events are listed by at most {most} types")]
    TooManyTypes {
        /// The most that may be asked for.
        most: usize,
    },
    /// Events of what cannot be a type were asked for.
    #[error("`types[{index}]`: {error}")]
    Type {
        /// Which of them.
        index: usize,
        /// What is wrong with it.
        error: IdError,
    },
    /// Nothing was recorded under that id.
    #[error("there is no such {kind}")]
    NotFound {
        /// `profile` or `session`.
        kind: &'static str,
        /// The id.
        id: String,
    },
    /// The profile is being merged, or its row kept moving while it was read.
    #[error("the profile is being changed; try again")]
    Moving,
}

impl ReadError {
    /// Whether Redis alone might have had an answer.
    pub(crate) fn is_postgres_away(&self) -> bool {
        matches!(self, Self::Storage(error) if error.is_unavailable())
    }
}

impl From<tributary_streams::ReadError<StorageError>> for ReadError {
    fn from(error: tributary_streams::ReadError<StorageError>) -> Self {
        match error {
            tributary_streams::ReadError::Streams(error) => Self::Streams(error),
            tributary_streams::ReadError::Rows(error) => Self::Storage(error),
            tributary_streams::ReadError::Moving => Self::Moving,
        }
    }
}

impl From<FollowError> for ReadError {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Streams(error) => Self::Streams(error),
            other => Self::Follow(other),
        }
    }
}

impl ServiceError for ReadError {
    fn problem(&self) -> Problem {
        match self {
            Self::Streams(StreamsError::Unavailable(_)) => away("QUEUE_UNAVAILABLE", "Redis does not answer"),
            Self::Streams(StreamsError::OutOfMemory) => {
                Problem::new(Fault::Exhausted, "BACKLOG_FULL", "Redis is at its memory limit")
                    .retry_after(SOON)
            }
            Self::Streams(StreamsError::Fenced | StreamsError::Broken(_)) => {
                Problem::internal(self.to_string())
            }
            Self::Storage(StorageError::Unavailable { .. }) => {
                away("DATABASE_UNAVAILABLE", "Postgres does not answer, and this read needs it")
            }
            Self::Storage(error) if error.is_not_laid_out() => {
                away("STARTING", "the database is not laid out yet")
            }
            Self::Storage(error @ StorageError::PageToken) => {
                Problem::invalid("PAGE_TOKEN_INVALID", "page_token", error.to_string())
            }
            Self::Storage(
                StorageError::CommitUnknown { .. }
                | StorageError::Data { .. }
                | StorageError::Refused { .. }
                | StorageError::UnknownPartition { .. }
                | StorageError::OtherDeployment { .. }
                | StorageError::Address { .. }
                | StorageError::Migration { .. },
            ) => Problem::internal(self.to_string()),
            Self::Refused(problem) => problem.clone(),
            Self::Follow(FollowError::Token(error)) => {
                Problem::invalid("RESUME_TOKEN_INVALID", "resume_token", error.to_string())
            }
            Self::Follow(error @ FollowError::Trimmed) => {
                Problem::new(Fault::OutOfRange, "WATCH_TRIMMED", error.to_string())
            }
            Self::Follow(error @ FollowError::Ahead) => {
                Problem::new(Fault::DataLoss, "WATCH_AHEAD", error.to_string())
            }
            Self::Follow(FollowError::Streams(error)) => Problem::internal(error.to_string()),
            Self::Watchers { .. } => Problem::new(Fault::Exhausted, "TOO_MANY_WATCHERS", self.to_string())
                .retry_after(WATCHERS_STAY),
            Self::PageSize { .. } => Problem::invalid("PAGE_SIZE_INVALID", "page_size", self.to_string()),
            Self::Type { index, error } => {
                Problem::invalid("INVALID_TYPE", format!("types[{index}]"), error.to_string())
            }
            Self::TooManyTypes { .. } => Problem::invalid("TOO_MANY_TYPES", "types", self.to_string()),
            Self::Id { field, error } => Problem::invalid("INVALID_ID", *field, error.to_string()),
            Self::NotFound { kind, id } => {
                let reason = if *kind == "profile" { "PROFILE_NOT_FOUND" } else { "SESSION_NOT_FOUND" };
                Problem::new(Fault::NotFound, reason, self.to_string()).resource(*kind, id.as_str())
            }
            Self::Moving => away("PROFILE_MOVING", &self.to_string()),
        }
    }
}

/// Something that the answer needs is not there just now.
pub(crate) fn away(reason: &'static str, message: &str) -> Problem {
    Problem::new(Fault::Unavailable, reason, message).retry_after(SOON)
}
