//! What the door answers where it does not let a payload in, in the caller's terms.

use crate::accept::Refusal;
use std::time::Duration;
use tributary_runtime::{Fault, Problem, ServiceError};

impl ServiceError for Refusal {
    fn problem(&self) -> Problem {
        let text = self.to_string();
        match self {
            Self::NoKey => Problem::new(Fault::Unauthenticated, "WRITE_KEY_MISSING", text),
            Self::UnknownKey => Problem::new(Fault::Unauthenticated, "WRITE_KEY_INVALID", text),
            Self::UnknownSource => Problem::new(Fault::NotFound, "SOURCE_UNKNOWN", text.clone()).violation(
                "source",
                text,
                "SOURCE_UNKNOWN",
            ),
            Self::OtherSource => Problem::new(Fault::PermissionDenied, "SOURCE_NOT_ALLOWED", text.clone())
                .violation("source", text, "SOURCE_NOT_ALLOWED"),
            Self::EventCount { count: 0 } => Problem::invalid("NO_EVENTS", "events", text),
            Self::EventCount { .. } => Problem::invalid("TOO_MANY_EVENTS", "events", text),
        }
    }
}

/// preprocess did not answer in the mesh's own terms: it is away, or the connection broke. Whether the payload was
/// appended is not known; with the same ids it may be sent again.
pub(crate) fn unreachable() -> Problem {
    let text = "the mesh is not complete at the moment; send the same payload again";
    Problem::new(Fault::Unavailable, "STAGE_UNAVAILABLE", text).retry_after(Duration::from_millis(250))
}

/// The caller's time was over.
pub(crate) fn out_of_time() -> Problem {
    let text = "the deadline passed; send the same payload again with a later one";
    Problem::new(Fault::DeadlineExceeded, "DEADLINE_EXCEEDED", text)
}
