//! Why a call failed, in the caller's terms, and the one place where that becomes a gRPC answer.
//!
//! A stage has one error type, says of each of its variants which [`Problem`] it is (a `match` without `_`, so that a new
//! variant forces a decision), and its gRPC methods end in `.map_err(|error| into_status(&error))`. Nothing else in the
//! mesh makes a status.

mod status;

use std::time::Duration;

pub use status::{DOMAIN, into_status, problem_status, reason_of, retry_after_of};

/// Whose fault it is and whether trying again can help. Deliberately few: a caller branches on these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The request is wrong and stays wrong.
    InvalidInput,
    /// No credential, or none that is known.
    Unauthenticated,
    /// A known credential that does not reach this far.
    PermissionDenied,
    /// What was asked for does not exist, or not for this tenant.
    NotFound,
    /// What should be made exists with other content.
    AlreadyExists,
    /// What the request was made for is not as it was any more: look again, and ask anew.
    Conflict,
    /// A limit was reached: rate, backlog, size of a document, calls at once.
    Exhausted,
    /// Something that the answer needs is away.
    Unavailable,
    /// The caller's time ran out.
    DeadlineExceeded,
    /// A position that is no longer kept.
    OutOfRange,
    /// Something acknowledged cannot be found.
    DataLoss,
    /// A defect of the mesh.
    Internal,
}

impl Fault {
    /// The gRPC code of the answer.
    pub fn code(self) -> tonic::Code {
        match self {
            Self::InvalidInput => tonic::Code::InvalidArgument,
            Self::Unauthenticated => tonic::Code::Unauthenticated,
            Self::PermissionDenied => tonic::Code::PermissionDenied,
            Self::NotFound => tonic::Code::NotFound,
            Self::AlreadyExists => tonic::Code::AlreadyExists,
            Self::Conflict => tonic::Code::Aborted,
            Self::Exhausted => tonic::Code::ResourceExhausted,
            Self::Unavailable => tonic::Code::Unavailable,
            Self::DeadlineExceeded => tonic::Code::DeadlineExceeded,
            Self::OutOfRange => tonic::Code::OutOfRange,
            Self::DataLoss => tonic::Code::DataLoss,
            Self::Internal => tonic::Code::Internal,
        }
    }

    /// Whether the same request may succeed later. A position that is gone, or data that is lost, does not come back by
    /// asking again.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Exhausted | Self::Unavailable | Self::DeadlineExceeded => true,
            Self::InvalidInput
            | Self::Unauthenticated
            | Self::PermissionDenied
            | Self::NotFound
            | Self::AlreadyExists
            | Self::Conflict
            | Self::OutOfRange
            | Self::DataLoss
            | Self::Internal => false,
        }
    }
}

/// An error that can say what it means to a caller.
pub trait ServiceError: std::error::Error {
    /// The error in the caller's terms. Must not say anything that the caller may not know.
    fn problem(&self) -> Problem;
}

/// A failure as a caller is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The class of failure.
    pub fault: Fault,
    /// What a program branches on: SCREAMING_SNAKE, and never changed once released.
    pub reason: &'static str,
    /// What a person reads. Not sent for [`Fault::Internal`].
    pub message: String,
    /// Where the request is wrong: path (like `events[3].type`), description, and a reason as above.
    pub violations: Vec<(String, String, String)>,
    /// After what time a retry makes sense.
    pub retry_after: Option<Duration>,
    /// What the problem is about: its kind (like `profile`) and its name. Boxed to keep results small.
    pub resource: Option<Box<(String, String)>>,
}

impl Problem {
    /// A problem with nothing but its class, its reason and its sentence.
    pub fn new(fault: Fault, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            fault,
            reason,
            message: message.into(),
            violations: Vec::new(),
            retry_after: None,
            resource: None,
        }
    }

    /// The request is wrong at a path.
    pub fn invalid(reason: &'static str, path: impl Into<String>, description: impl Into<String>) -> Self {
        let description = description.into();
        Self::new(Fault::InvalidInput, reason, description.clone()).violation(path, description, reason)
    }

    /// A defect of the mesh. The caller is not told the message; the log is.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Fault::Internal, "INTERNAL", message)
    }

    /// Adds a place where the request is wrong.
    #[must_use]
    pub fn violation(
        mut self,
        path: impl Into<String>,
        description: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        self.violations.push((path.into(), description.into(), reason.into()));
        self
    }

    /// Says when a retry makes sense.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Says what the problem is about.
    #[must_use]
    pub fn resource(mut self, kind: impl Into<String>, name: impl Into<String>) -> Self {
        self.resource = Some(Box::new((kind.into(), name.into())));
        self
    }

    /// Whether the same request may succeed later; at a limit only if it was said when.
    pub fn is_retryable(&self) -> bool {
        self.fault.is_retryable() && (self.fault != Fault::Exhausted || self.retry_after.is_some())
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.reason, self.message)
    }
}

impl std::error::Error for Problem {}

impl ServiceError for Problem {
    fn problem(&self) -> Problem {
        self.clone()
    }
}
