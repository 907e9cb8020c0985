//! What applying and reading a configuration can meet, in the caller's terms.

use tributary_runtime::{Fault, Problem, ServiceError};
use tributary_storage::StorageError;
use tributary_streams::StreamsError;

use crate::error::{ReadError, away};

/// The most errors of a configuration that an answer names. More do not fit into its trailers anyway.
const MOST_TOLD: usize = 100;

/// One thing that is wrong with documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// `file:line:column`.
    pub(crate) place: String,
    /// The document and the reason.
    pub(crate) what: String,
}

/// Why a configuration is not applied, or not shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigurationError {
    /// Redis, Postgres, a page.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The caller's credentials.
    #[error(transparent)]
    Refused(#[from] Problem),
    /// A document's tenant is one whose key the call does not show.
    #[error("tenant {0} has documents here and the call does not show its admin key")]
    NotAuthorised(String),
    /// Another part of the request than the documents.
    #[error("{reason}")]
    Request {
        /// The request's field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// More than a configuration may have.
    #[error("{0}")]
    TooLarge(String),
    /// The documents.
    #[error("the configuration is wrong and was not applied; errors: {}", .0.len())]
    Invalid(Vec<Wrong>),
    /// It was built on another revision than the one in force.
    #[error("{}", in_force(.0))]
    Changed(String),
    /// Others' documents were checked, or have come first, all the time.
    #[error("others are applying configurations just now; nothing was applied, try again")]
    Busy,
    /// There is no such revision.
    #[error("there is no revision {0}")]
    NoRevision(String),
    /// There is no such document.
    #[error("there is no {kind} {name}")]
    NoDocument {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
    },
    /// Checking ended by a panic.
    #[error("checking the configuration ended by a panic")]
    Panicked,
}

impl ConfigurationError {
    /// Whether the tables are not there yet, as at the beginning of every deployment.
    pub(super) fn is_of_a_start(&self) -> bool {
        matches!(self, Self::Read(ReadError::Storage(error)) if error.is_not_laid_out())
    }
}

impl From<StorageError> for ConfigurationError {
    fn from(error: StorageError) -> Self {
        Self::Read(error.into())
    }
}

impl From<StreamsError> for ConfigurationError {
    fn from(error: StreamsError) -> Self {
        Self::Read(error.into())
    }
}

impl ServiceError for ConfigurationError {
    fn problem(&self) -> Problem {
        match self {
            // Whether it was appended is not known, and a repeat finds out.
            Self::Read(ReadError::Storage(StorageError::CommitUnknown { .. })) => away(
                "DATABASE_UNAVAILABLE",
                "Postgres did not say whether it took the revision; repeat the call",
            ),
            Self::Read(error) => error.problem(),
            Self::Refused(problem) => problem.clone(),
            Self::NotAuthorised(tenant) => {
                Problem::new(Fault::PermissionDenied, "TENANT_NOT_AUTHORISED", self.to_string())
                    .resource("tenant", tenant.as_str())
            }
            Self::Request { field, .. } => {
                Problem::invalid("CONFIG_REQUEST_INVALID", *field, self.to_string())
            }
            Self::TooLarge(reason) => Problem::invalid("CONFIG_TOO_LARGE", "documents", reason.as_str()),
            Self::Invalid(wrong) => {
                let problem = Problem::new(Fault::InvalidInput, "CONFIG_INVALID", self.to_string());
                wrong.iter().take(MOST_TOLD).fold(problem, |problem, Wrong { place, what }| {
                    problem.violation(place.as_str(), what.as_str(), "CONFIG_INVALID")
                })
            }
            Self::Changed(revision) => Problem::new(Fault::Conflict, "REVISION_CHANGED", self.to_string())
                .resource("revision", revision.as_str()),
            Self::Busy => away("CONFIG_BUSY", &self.to_string()),
            Self::NoRevision(revision) => {
                Problem::new(Fault::NotFound, "REVISION_NOT_FOUND", self.to_string())
                    .resource("revision", revision.as_str())
            }
            Self::NoDocument { kind, name } => {
                Problem::new(Fault::NotFound, "DOCUMENT_NOT_FOUND", self.to_string())
                    .resource(kind.as_str(), name.as_str())
            }
            Self::Panicked => Problem::internal(self.to_string()),
        }
    }
}

fn in_force(revision: &str) -> String {
    match revision {
        "" => "no revision is in force yet".to_owned(),
        revision => format!("revision {revision} is in force; look at what it changed, and apply again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_a_hundred_errors_are_told_and_all_of_them_counted() {
        let wrong = Wrong { place: "a.yaml:1:1".to_owned(), what: "Mapping m: no".to_owned() };
        let problem = ConfigurationError::Invalid(vec![wrong; 250]).problem();
        assert_eq!(problem.violations.len(), MOST_TOLD);
        assert!(problem.message.contains("250"), "{}", problem.message);
    }

    #[test]
    fn a_commit_without_an_answer_asks_for_a_repeat() {
        let lost = StorageError::CommitUnknown { reason: "gone".to_owned() };
        let problem = ConfigurationError::from(lost).problem();
        assert!(problem.is_retryable() && problem.reason == "DATABASE_UNAVAILABLE");
    }
}
