//! Why a run was not answered, in the caller's terms.

use std::time::Duration;
use tonic::{Code, Status};
use tributary_config::Tenant;
use tributary_expressions::did_you_mean;
use tributary_model::{IdError, SourceName};
use tributary_proto::raw::DocumentError;
use tributary_proto::v1;
use tributary_runtime::{Fault, Problem, ServiceError, into_status, reason_of};
use tributary_storage::StorageError;
use tributary_streams::{ReadError, StreamsError};

const SOON: Duration = Duration::from_secs(1);

/// Why a run has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The caller's credential.
    #[error(transparent)]
    Refused(#[from] Problem),
    /// An id or name of the request.
    #[error("`{field}`: {error}")]
    Id { field: &'static str, error: IdError },
    /// A run that is recorded has to be safe to repeat.
    #[error("a run that is recorded needs a request_id, made before the first attempt and kept on retries")]
    NoRequestId,
    /// The event has no type.
    #[error("say what happened, such as purchase")]
    NoType,
    /// The event is about nobody.
    #[error("say whom it is about: a profile_id, or a stored event's event_id, or for a dry run a profile")]
    NoProfile,
    /// Something that only a dry run can be given.
    #[error("`{0}` is for dry runs: a run that is recorded calls whom it calls, and reads the profile")]
    OnlyDry(&'static str),
    /// A document of the request.
    #[error("`{field}` {error}")]
    Document { field: &'static str, error: DocumentError },
    /// What a node is to be answered.
    #[error("`answers.{node}`: {reason}")]
    Answer { node: String, reason: String },
    /// What a dry run is to find in the profile.
    #[error("no profile of this tenant shows that")]
    Inline(Vec<String>),
    /// There is no such stored event.
    #[error(
        "there is no stored event of this id; one that was accepted a moment ago is found if its profile_id is given"
    )]
    UnknownEvent,
    /// Nothing to explain.
    #[error("name a stored event by event_id, or describe one under run")]
    NothingAsked,
    /// The event's type is none.
    #[error("{0}")]
    Type(IdError),
    /// The run names no source, and the tenant has several.
    #[error("name the source that it would come from: {}", .0.join(", "))]
    WhichSource(Vec<String>),
    /// The tenant has no such source.
    #[error("the tenant has no {0}")]
    UnknownSource(String),
    /// The tenant has no such workflow.
    #[error("the tenant has no workflow {0}")]
    UnknownWorkflow(String),
    /// preprocess cannot keep the event as it is.
    #[error("the event cannot be recorded as it is")]
    Invalid(Vec<v1::Violation>),
    /// preprocess refused, or did not answer.
    #[error("preprocess answered {}", .0.code())]
    Preprocess(Box<Status>),
    /// preprocess refused to say what it would do, or did not answer.
    #[error("preprocess answered {}", .0.code())]
    Preview(Box<Status>),
    /// preprocess went by a revision that this process cannot have.
    #[error("the event would be processed under revision {0}, which this process does not run")]
    OtherRevision(String),
    /// preprocess answered something else than it promises.
    #[error("preprocess answered without {0}")]
    Incomplete(&'static str),
    /// Redis.
    #[error(transparent)]
    Streams(#[from] StreamsError),
    /// Postgres.
    #[error(transparent)]
    Rows(StorageError),
    /// The profile is being merged, or folded faster than it can be read.
    #[error("the profile is on the move; try again")]
    Moving,
}

impl RunError {
    /// The tenant has no source at all.
    pub(crate) fn no_source() -> Self {
        Self::UnknownSource("source; apply a Source document".to_owned())
    }

    /// The tenant has no source of this name.
    pub(crate) fn unknown_source(named: &SourceName, tenant: Option<&Tenant>) -> Self {
        let known = tenant.into_iter().flat_map(|tenant| tenant.sources.keys()).map(SourceName::as_str);
        let meant = did_you_mean(named.as_str(), known);
        let otherwise = if meant.is_empty() { "; apply a Source document that names it" } else { "" };
        Self::UnknownSource(format!("source {named}{meant}{otherwise}"))
    }

    /// The tenant has no workflow of this name.
    pub(crate) fn unknown_workflow(named: &str, tenant: &Tenant) -> Self {
        let known = tenant.workflows.iter().map(|workflow| workflow.name.as_str());
        Self::UnknownWorkflow(format!("{named}{}", did_you_mean(named, known)))
    }

    /// What preprocess says of the source, with its name.
    pub(crate) fn about(self, source: &SourceName, tenant: Option<&Tenant>) -> Self {
        match self {
            Self::Preprocess(status) | Self::Preview(status)
                if reason_of(&status).as_deref() == Some("SOURCE_UNKNOWN") =>
            {
                Self::unknown_source(source, tenant)
            }
            other => other,
        }
    }

    /// As the call's answer. What preprocess says in the mesh's own terms is handed on as it is.
    pub(crate) fn into_status(self) -> Status {
        match self {
            Self::Preprocess(status) | Self::Preview(status) if reason_of(&status).is_some() => *status,
            other => into_status(&other),
        }
    }
}

impl From<ReadError<StorageError>> for RunError {
    fn from(error: ReadError<StorageError>) -> Self {
        match error {
            ReadError::Streams(error) => Self::Streams(error),
            ReadError::Rows(error) => Self::Rows(error),
            ReadError::Moving => Self::Moving,
        }
    }
}

impl ServiceError for RunError {
    fn problem(&self) -> Problem {
        let text = self.to_string();
        match self {
            Self::Refused(problem) => problem.clone(),
            Self::Id { field, .. } => Problem::invalid("INVALID_ID", *field, text),
            Self::NoRequestId => Problem::invalid("REQUEST_ID_REQUIRED", "request_id", text),
            Self::NoType => Problem::invalid("EVENT_TYPE_REQUIRED", "event_type", text),
            Self::NoProfile => Problem::invalid("PROFILE_REQUIRED", "profile_id", text),
            Self::OnlyDry(field) => Problem::invalid("DRY_RUN_ONLY", *field, text),
            Self::Document { field, .. } => Problem::invalid("INVALID_DOCUMENT", *field, text),
            Self::Answer { node, .. } => Problem::invalid("INVALID_ANSWER", format!("answers.{node}"), text),
            Self::Inline(wrong) => {
                let problem = Problem::new(Fault::InvalidInput, "INVALID_PROFILE", text);
                wrong.iter().fold(problem, |problem, told| {
                    problem.violation("profile", told.as_str(), "INVALID_PROFILE")
                })
            }
            Self::UnknownEvent => Problem::new(Fault::NotFound, "EVENT_NOT_FOUND", text.clone()).violation(
                "event_id",
                text,
                "EVENT_NOT_FOUND",
            ),
            Self::NothingAsked => Problem::invalid("EVENT_ID_REQUIRED", "event_id", text),
            Self::Type(_) => Problem::invalid("INVALID_TYPE", "event_type", text),
            Self::WhichSource(_) => Problem::invalid("SOURCE_REQUIRED", "source", text),
            Self::UnknownSource(_) => Problem::new(Fault::NotFound, "SOURCE_UNKNOWN", text.clone())
                .violation("source", text, "SOURCE_UNKNOWN"),
            Self::UnknownWorkflow(_) => Problem::new(Fault::NotFound, "WORKFLOW_UNKNOWN", text.clone())
                .violation("workflow", text, "WORKFLOW_UNKNOWN"),
            Self::Invalid(violations) => {
                let problem = Problem::new(Fault::InvalidInput, "EVENT_INVALID", text);
                violations.iter().fold(problem, |problem, violation| {
                    let path = in_request(&violation.path);
                    problem.violation(path, violation.description.as_str(), violation.reason.as_str())
                })
            }
            Self::Preprocess(status) => match status.code() {
                Code::DeadlineExceeded | Code::Cancelled => Problem::new(
                    Fault::DeadlineExceeded,
                    "DEADLINE_EXCEEDED",
                    "the deadline passed before it was known whether the event is recorded; repeat with the same request_id",
                ),
                _ => away("STAGE_UNAVAILABLE", "preprocess does not answer; repeat with the same request_id"),
            },
            Self::Preview(status) => match status.code() {
                Code::DeadlineExceeded | Code::Cancelled => Problem::new(
                    Fault::DeadlineExceeded,
                    "DEADLINE_EXCEEDED",
                    "the deadline passed before it was known what would happen; nothing was written",
                ),
                _ => away("STAGE_UNAVAILABLE", "preprocess does not answer; nothing was written"),
            },
            Self::OtherRevision(_) => away("CONFIGURATION_BEHIND", &text),
            Self::Incomplete(_) => Problem::internal(text),
            Self::Streams(StreamsError::Unavailable(_)) => away("QUEUE_UNAVAILABLE", &text),
            Self::Streams(StreamsError::OutOfMemory) => {
                Problem::new(Fault::Exhausted, "BACKLOG_FULL", text).retry_after(SOON)
            }
            Self::Streams(StreamsError::Fenced | StreamsError::Broken(_)) => Problem::internal(text),
            Self::Rows(error) if error.is_unavailable() => {
                away("DATABASE_UNAVAILABLE", "Postgres does not answer, and the profile is not in memory")
            }
            Self::Rows(StorageError::UnknownPartition { .. }) => {
                away("STARTING", "the database is not laid out yet")
            }
            Self::Rows(error) => Problem::internal(error.to_string()),
            Self::Moving => away("PROFILE_MOVING", &text),
        }
    }
}

/// The event is the only one of its payload; here its fields are the request's own.
pub(super) fn in_request(path: &str) -> &str {
    match path.strip_prefix("events[0].").unwrap_or(path) {
        "events[0]" => "",
        "type" => "event_type",
        "id" => "request_id",
        path => path,
    }
}

fn away(reason: &'static str, text: &str) -> Problem {
    Problem::new(Fault::Unavailable, reason, text).retry_after(SOON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_the_event_is_told_by_the_requests_own_fields() {
        let violation = |path: &str| v1::Violation { path: path.into(), ..v1::Violation::default() };
        let paths = ["events[0].type", "events[0].properties.a.b", "events[0].time", "events[0]"];
        let problem = RunError::Invalid(paths.map(violation).into()).problem();
        let told: Vec<&str> = problem.violations.iter().map(|(path, ..)| path.as_str()).collect();
        assert_eq!(told, ["event_type", "properties.a.b", "time", ""]);
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is_near() {
        let folder = tempfile::tempdir().unwrap();
        let documents = "{kind: Source, name: web-shop, spec: {write_keys: [{env: KEY}]}}\n---\n\
            {kind: Workflow, name: welcome, spec: {trigger: {events: [buy]}, nodes: [{name: a, stop: {}}]}}";
        std::fs::write(folder.path().join("all.yaml"), documents).unwrap();
        let config = tributary_config::Config::load(folder.path()).unwrap_or_else(|wrong| panic!("{wrong}"));
        let tenant = config.tenant(&tributary_model::TenantId::new("default").unwrap()).unwrap();
        let source = |name: &str| SourceName::new(name).unwrap();
        let unknown = Problem::new(Fault::NotFound, "SOURCE_UNKNOWN", "this source is not configured");
        let told =
            RunError::Preview(Box::new(into_status(&unknown))).about(&source("web-shpo"), Some(tenant));
        assert_eq!(told.to_string(), "the tenant has no source web-shpo; did you mean web-shop?");
        let told = RunError::unknown_source(&source("till"), Some(tenant)).to_string();
        assert_eq!(told, "the tenant has no source till; apply a Source document that names it");
        let told = RunError::unknown_workflow("welcom", tenant).to_string();
        assert_eq!(told, "the tenant has no workflow welcom; did you mean welcome?");
    }

    #[test]
    fn what_preprocess_says_in_the_meshs_terms_is_handed_on_and_anything_else_is_told_as_ours() {
        let full = Problem::new(Fault::Exhausted, "BACKLOG_FULL", "too much waits");
        let handed_on = RunError::Preprocess(Box::new(into_status(&full))).into_status();
        assert_eq!(reason_of(&handed_on).as_deref(), Some("BACKLOG_FULL"));
        for (code, reason) in [
            (Code::Unavailable, "STAGE_UNAVAILABLE"),
            (Code::Cancelled, "DEADLINE_EXCEEDED"),
            (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
        ] {
            let told = RunError::Preprocess(Box::new(Status::new(code, ""))).into_status();
            assert_eq!(reason_of(&told).as_deref(), Some(reason));
        }
    }
}
