//! What a call can meet, in the caller's terms.

use std::time::Duration;

use tributary_runtime::{Fault, Problem, ServiceError};
use tributary_streams::StreamsError;

/// When a caller should try again if Redis is away: a connection attempt is of this order.
const SOON: Duration = Duration::from_secs(1);

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// Redis.
    #[error(transparent)]
    Streams(#[from] StreamsError),
    /// The caller's credential.
    #[error(transparent)]
    Refused(#[from] Problem),
    /// More was asked for than a page holds.
    #[error("a page has at most {most} dead letters")]
    PageSize {
        /// The most that may be asked for.
        most: u32,
    },
    /// A page token that no answer gave.
    #[error("the page token is not one of this service")]
    PageToken,
}

impl ServiceError for CallError {
    fn problem(&self) -> Problem {
        match self {
            Self::Streams(StreamsError::Unavailable(_)) => {
                Problem::new(Fault::Unavailable, "QUEUE_UNAVAILABLE", "Redis does not answer")
                    .retry_after(SOON)
            }
            Self::Streams(StreamsError::OutOfMemory) => {
                Problem::new(Fault::Exhausted, "BACKLOG_FULL", "Redis is at its memory limit")
                    .retry_after(SOON)
            }
            Self::Streams(StreamsError::Fenced | StreamsError::Broken(_)) => {
                Problem::internal(self.to_string())
            }
            Self::Refused(problem) => problem.clone(),
            Self::PageSize { .. } => Problem::invalid("PAGE_SIZE_INVALID", "page_size", self.to_string()),
            Self::PageToken => Problem::invalid("PAGE_TOKEN_INVALID", "page_token", self.to_string()),
        }
    }
}
