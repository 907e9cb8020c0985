//! What can go wrong between a stage and Redis.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why a call to Redis has no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum StreamsError {
    /// No answer: the call may or may not have run. Every script is safe to send again.
    #[error("redis did not answer")]
    Unavailable(#[source] RedisError),
    /// Redis is at its memory limit; nothing was written.
    #[error("redis is out of memory")]
    OutOfMemory,
    /// The caller is not the owner any more: drop all state of the partition.
    #[error("another process owns the partition")]
    Fenced,
    /// Redis refused a command or answered something else than the script's reply: a defect or a damaged key. Alarm.
    #[error("redis answered unexpectedly: {0}")]
    Broken(String),
}

impl StreamsError {
    pub(crate) fn unexpected(what: &str) -> Self {
        Self::Broken(what.to_owned())
    }
}

impl From<RedisError> for StreamsError {
    fn from(error: RedisError) -> Self {
        if error.code() == Some("OOM") {
            return Self::OutOfMemory;
        }
        // Answers of a server that refuses writes for a while, or is busy with a script.
        if matches!(error.code(), Some("MISCONF" | "NOREPLICAS" | "BUSY" | "UNBLOCKED")) {
            return Self::Unavailable(error);
        }
        match error.kind() {
            ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => Self::Unavailable(error),
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly,
            ) => Self::Unavailable(error),
            _ if error.is_timeout() || error.is_connection_dropped() || error.is_connection_refusal() => {
                Self::Unavailable(error)
            }
            _ => Self::Broken(describe(&error)),
        }
    }
}

/// The error's code and what Redis said; values never stand in either.
fn describe(error: &RedisError) -> String {
    format!("{} {}", error.code().unwrap_or("error"), error.detail().unwrap_or_default())
}
