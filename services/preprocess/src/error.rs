//! What can go wrong here, in the caller's terms.

use crate::payload::Fault as DocumentFault;
use std::time::Duration;
use tributary_model::IdError;
use tributary_proto::v1;
use tributary_runtime::{Fault, Problem, ServiceError};
use tributary_storage::StorageError;
use tributary_streams::{ReadError, StreamsError};

/// A payload that fails as a whole.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// A payload carries at least one event.
    #[error("a payload carries 1 to 100 events; this one has none")]
    NoEvents,
    /// A payload carries at most a hundred.
    #[error("a payload carries 1 to 100 events; this one has {count}")]
    TooManyEvents {
        /// How many it has.
        count: usize,
    },
    /// An id of the payload is none.
    #[error("{error}")]
    Id {
        /// The field.
        path: &'static str,
        /// What is wrong.
        error: IdError,
    },
    /// A document cannot be used.
    #[error("{}", document_text(*.fault))]
    Document {
        /// Which.
        path: String,
        /// Why.
        fault: DocumentFault,
    },
    /// The context holds what cannot be kept.
    #[error("the context cannot be kept")]
    Context(Box<v1::Violation>),
    /// A level to wait for that there is not.
    #[error("not a level to wait for; there are ACCEPTED, WORKFLOW, STORED and DELIVERED")]
    WaitFor {
        /// The field.
        path: String,
    },
    /// An import that is to be waited for until it is delivered.
    #[error("what is historical is not delivered; wait for STORED at most")]
    HistoricalDelivered {
        /// The field.
        path: String,
    },
    /// The profile id belongs to somebody else.
    #[error("no such profile")]
    ProfileNotFound,
}

/// Why a payload was not processed.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It is wrong.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The tenant or source that the caller verified is not in the configuration of this stage.
    #[error("the source is not configured here")]
    UnknownSource,
    /// The same, where the caller has verified it by a newer revision than this process could get.
    #[error("the source is not configured here yet")]
    Behind,
    /// Redis has no answer.
    #[error(transparent)]
    Streams(#[from] StreamsError),
    /// Postgres has no answer, and the payload needs it.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The profile is being merged.
    #[error("the profile is on the move")]
    Moving,
    /// The caller's time was over before anything was written.
    #[error("the deadline passed before the events were appended")]
    Expired,
    /// As many calls wait for events as may.
    #[error("too many calls wait for more than acceptance")]
    TooManyWaiting,
    /// Too much waits.
    #[error("too much waits: {0}")]
    Full(&'static str),
}

impl From<ReadError<StorageError>> for ProcessError {
    fn from(error: ReadError<StorageError>) -> Self {
        match error {
            ReadError::Streams(error) => Self::Streams(error),
            ReadError::Rows(error) => Self::Storage(error),
            ReadError::Moving => Self::Moving,
        }
    }
}

const SOON: Duration = Duration::from_secs(1);

impl ServiceError for ProcessError {
    fn problem(&self) -> Problem {
        match self {
            Self::Payload(error) => error.problem(),
            Self::UnknownSource => Problem::new(
                Fault::NotFound,
                "SOURCE_UNKNOWN",
                "this source is not configured; apply a Source document that names it",
            )
            .violation("source", "not a source of this tenant", "SOURCE_UNKNOWN"),
            Self::Behind => Problem::new(
                Fault::Unavailable,
                "CONFIGURATION_BEHIND",
                "this source was configured a moment ago and is not known everywhere yet; try again",
            )
            .retry_after(SOON),
            Self::Streams(StreamsError::OutOfMemory) => {
                Problem::new(Fault::Exhausted, "BACKLOG_FULL", "the queue is full; try again later")
                    .retry_after(SOON * 5)
            }
            Self::Streams(StreamsError::Unavailable(_)) => {
                Problem::new(Fault::Unavailable, "QUEUE_UNAVAILABLE", "the queue does not answer; try again")
                    .retry_after(SOON)
            }
            Self::Streams(error @ (StreamsError::Fenced | StreamsError::Broken(_))) => {
                Problem::internal(error.to_string())
            }
            Self::Storage(error) if error.is_unavailable() => Problem::new(
                Fault::Unavailable,
                "DATABASE_UNAVAILABLE",
                "this profile or session is not in memory and the database does not answer; try again",
            )
            .retry_after(SOON),
            Self::Storage(StorageError::UnknownPartition { .. }) => {
                Problem::new(Fault::Unavailable, "STARTING", "the database is not laid out yet; try again")
                    .retry_after(SOON)
            }
            Self::Storage(error) => Problem::internal(error.to_string()),
            Self::Moving => {
                Problem::new(Fault::Unavailable, "PROFILE_MOVING", "the profile is being merged; try again")
                    .retry_after(SOON)
            }
            Self::Expired => Problem::new(
                Fault::DeadlineExceeded,
                "DEADLINE_EXCEEDED",
                "the deadline passed before anything was written; try again with the same ids",
            ),
            Self::TooManyWaiting => Problem::new(
                Fault::Exhausted,
                "TOO_MANY_WAITING",
                "too many calls wait for more than acceptance; nothing was written: try again later, or do not wait",
            )
            .retry_after(SOON),
            Self::Full(what) => Problem::new(
                Fault::Exhausted,
                "BACKLOG_FULL",
                format!("too much waits ({what}); try again later"),
            )
            .retry_after(SOON),
        }
    }
}

impl PayloadError {
    fn problem(&self) -> Problem {
        match self {
            Self::NoEvents => Problem::invalid("NO_EVENTS", "events", self.to_string()),
            Self::TooManyEvents { .. } => Problem::invalid("TOO_MANY_EVENTS", "events", self.to_string()),
            Self::Id { path, error } => Problem::invalid("INVALID_ID", *path, error.to_string()),
            Self::Document { path, fault: DocumentFault::TooDeep } => {
                Problem::invalid("NESTING_TOO_DEEP", path.as_str(), document_text(DocumentFault::TooDeep))
            }
            Self::Document { path, fault: DocumentFault::Malformed } => {
                Problem::invalid("PAYLOAD_MALFORMED", path.as_str(), document_text(DocumentFault::Malformed))
            }
            Self::Context(violation) => {
                Problem::new(Fault::InvalidInput, "INVALID_CONTEXT", "the context cannot be kept as it is")
                    .violation(&violation.path, &violation.description, &violation.reason)
            }
            Self::WaitFor { path } => Problem::invalid("WAIT_FOR_INVALID", path.as_str(), self.to_string()),
            Self::HistoricalDelivered { path } => {
                Problem::invalid("HISTORICAL_NOT_DELIVERED", path.as_str(), self.to_string())
            }
            Self::ProfileNotFound => {
                Problem::new(Fault::NotFound, "PROFILE_NOT_FOUND", "no profile of this tenant has that id")
                    .violation("profile_id", "not a profile of this tenant", "PROFILE_NOT_FOUND")
            }
        }
    }
}

fn document_text(fault: DocumentFault) -> &'static str {
    match fault {
        DocumentFault::TooDeep => "objects and lists may lie at most 32 deep within each other",
        DocumentFault::Malformed => "not a google.protobuf.Struct",
    }
}
