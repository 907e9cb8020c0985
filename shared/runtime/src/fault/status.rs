//! From an error to a `google.rpc.Status`, and back to its reason.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use tonic::Status;
use tonic::metadata::MetadataMap;
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use super::{Fault, Problem, ServiceError};
use crate::telemetry::propagation;

/// The `domain` of every `ErrorInfo` of the mesh.
pub const DOMAIN: &str = "tributary";

/// Details travel in HTTP/2 trailers and common clients end a stream whose trailers pass 8 KiB; base64 adds a third.
const MAX_DETAIL_BYTES: usize = 4096;
const MAX_MESSAGE_BYTES: usize = 1024;

/// Turns an error into the answer of a call: code, message, and `google.rpc` details with the trace id.
///
/// A defect of the mesh is logged with its causes and answered without them.
pub fn into_status<E: ServiceError>(error: &E) -> Status {
    let problem = error.problem();
    if problem.fault == Fault::Internal {
        tracing::error!(reason = problem.reason, error = %chain(error), "a call failed by a defect");
    }
    problem_status(&problem)
}

/// As [`into_status`], for a problem that was logged already or that nobody needs to read of.
pub fn problem_status(problem: &Problem) -> Status {
    let mut details = ErrorDetails::with_error_info(problem.reason, DOMAIN, HashMap::<String, String>::new());
    let left_out = add_violations(&mut details, &problem.violations);
    if let Some(delay) = problem.retry_after {
        details.set_retry_info(Some(delay));
    }
    if let Some((kind, name)) = problem.resource.as_deref() {
        details.set_resource_info(kind, clip(name, 256), "", "");
    }
    if let Some(trace_id) = propagation::current_trace_id() {
        details.set_request_info(trace_id, "");
    }
    Status::with_error_details_and_metadata(
        problem.fault.code(),
        message(problem, left_out),
        details,
        pushback(problem),
    )
}

/// The stable reason of an answer of the mesh; none if the answer came from elsewhere.
pub fn reason_of(status: &Status) -> Option<String> {
    let info = status.get_details_error_info()?;
    (info.domain == DOMAIN).then_some(info.reason)
}

/// The delay after which the other side said that a retry makes sense.
pub fn retry_after_of(status: &Status) -> Option<Duration> {
    status.get_details_retry_info()?.retry_delay
}

/// Adds as many violations as fit and returns how many did not.
fn add_violations(details: &mut ErrorDetails, violations: &[(String, String, String)]) -> usize {
    let mut room = MAX_DETAIL_BYTES;
    let mut fitting = Vec::new();
    for (path, description, reason) in violations {
        let mut violation = FieldViolation::new(clip(path, 256), clip(description, 512));
        violation.reason = clip(reason, 64).to_owned();
        let size = violation.field.len() + violation.description.len() + violation.reason.len() + 16;
        let Some(left) = room.checked_sub(size) else { break };
        room = left;
        fitting.push(violation);
    }
    let left_out = violations.len() - fitting.len();
    if !fitting.is_empty() {
        details.set_bad_request(fitting);
    }
    left_out
}

fn message(problem: &Problem, left_out: usize) -> String {
    if problem.fault == Fault::Internal {
        return "internal error; the log has the cause under the trace id of this answer".to_owned();
    }
    let message = clip(&problem.message, MAX_MESSAGE_BYTES);
    if left_out == 0 { message.to_owned() } else { format!("{message} (and {left_out} more violations)") }
}

/// gRPC clients with a retry policy of their own look at this trailer and not at `RetryInfo`.
fn pushback(problem: &Problem) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    if let Some(delay) = problem.retry_after {
        metadata
            .insert("grpc-retry-pushback-ms", u64::try_from(delay.as_millis()).unwrap_or(u64::MAX).into());
    }
    metadata
}

fn chain(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push_str(": ");
        said.push_str(&error.to_string());
        cause = error.source();
    }
    said
}

fn clip(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(Fault, tonic::Code, bool); 12] = [
        (Fault::InvalidInput, tonic::Code::InvalidArgument, false),
        (Fault::Unauthenticated, tonic::Code::Unauthenticated, false),
        (Fault::PermissionDenied, tonic::Code::PermissionDenied, false),
        (Fault::NotFound, tonic::Code::NotFound, false),
        (Fault::AlreadyExists, tonic::Code::AlreadyExists, false),
        (Fault::Conflict, tonic::Code::Aborted, false),
        (Fault::Exhausted, tonic::Code::ResourceExhausted, true),
        (Fault::Unavailable, tonic::Code::Unavailable, true),
        (Fault::DeadlineExceeded, tonic::Code::DeadlineExceeded, true),
        (Fault::OutOfRange, tonic::Code::OutOfRange, false),
        (Fault::DataLoss, tonic::Code::DataLoss, false),
        (Fault::Internal, tonic::Code::Internal, false),
    ];

    #[test]
    fn every_fault_has_its_code_and_says_whether_a_retry_helps() {
        for (fault, code, retryable) in ALL {
            let status = into_status(&Problem::new(fault, "SOME_REASON", "a sentence"));
            assert_eq!(status.code(), code);
            assert_eq!(reason_of(&status).as_deref(), Some("SOME_REASON"));
            assert_eq!(fault.is_retryable(), retryable, "{fault:?}");
        }
    }

    #[test]
    fn at_a_limit_a_retry_helps_only_if_it_was_said_when() {
        let full = Problem::new(Fault::Exhausted, "BACKLOG", "too much is waiting");
        assert!(!full.is_retryable());
        assert!(full.retry_after(Duration::from_secs(1)).is_retryable());
    }

    #[test]
    fn all_details_can_be_read_back() {
        let problem = Problem::invalid("TYPE_EMPTY", "events[3].type", "an event needs a type")
            .retry_after(Duration::from_millis(1500))
            .resource("profile", "p-1");
        let status = into_status(&problem);
        let details = status.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "events[3].type");
        assert_eq!(details.resource_info().unwrap().resource_name, "p-1");
        assert_eq!(retry_after_of(&status), Some(Duration::from_millis(1500)));
        assert_eq!(status.metadata().get("grpc-retry-pushback-ms").unwrap(), "1500");
    }

    #[test]
    fn a_defect_is_answered_without_its_cause() {
        let status = into_status(&Problem::internal("password of the database is hunter2"));
        assert_eq!(status.code(), tonic::Code::Internal);
        assert!(!format!("{status:?}").contains("hunter2"));
    }

    #[test]
    fn a_thousand_violations_do_not_outgrow_the_trailers() {
        let mut problem = Problem::new(Fault::InvalidInput, "INVALID", "many things are wrong");
        for index in 0..1000 {
            problem = problem.violation(format!("events[{index}].type"), "ä".repeat(1000), "TYPE");
        }
        let status = into_status(&problem);
        assert!(status.details().len() < 6000, "{}", status.details().len());
        assert!(status.message().contains("more violations"), "{}", status.message());
    }
}
