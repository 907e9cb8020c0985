//! Why there is no answer, in the words that a workflow's record shows: hosts and codes, never values.

use tributary_engine::CallError;

use super::nesting::MAX_NESTING;

fn failure(reason: &str, message: impl Into<String>) -> CallError {
    CallError { reason: reason.to_owned(), message: message.into() }
}

/// Nothing came in time.
pub(super) fn timed_out(message: impl Into<String>) -> CallError {
    failure("TIMED_OUT", message)
}

/// Nobody is there, or the connection broke.
pub(super) fn unreachable(message: impl Into<String>) -> CallError {
    failure("UNREACHABLE", message)
}

/// The host has no address that may be called.
pub(super) fn forbidden(host: &str) -> CallError {
    let message = format!(
        "{host} is no address of the open Internet; an operator can allow it by TRIBUTARY_WORKFLOW__CALLS__ALLOWED_HOSTS"
    );
    failure("FORBIDDEN_ADDRESS", message)
}

/// The host failed too often of late and is left alone.
pub(super) fn circuit_open(host: &str) -> CallError {
    failure("CIRCUIT_OPEN", format!("{host} failed again and again and is left alone for a while"))
}

/// More came than is read.
pub(super) fn too_large(message: impl Into<String>) -> CallError {
    failure("TOO_LARGE", message)
}

/// What came is nested deeper than a run can keep and pass on.
pub(super) fn too_deep(host: &str) -> CallError {
    failure(
        "TOO_DEEP",
        format!("{host} answered with objects and lists more than {MAX_NESTING} deep within each other"),
    )
}

/// A header's secret is not there.
pub(super) fn secret_missing(message: impl Into<String>) -> CallError {
    failure("SECRET_MISSING", message)
}

/// Whoever was called does not want to.
pub(super) fn refused(message: impl Into<String>) -> CallError {
    failure("REFUSED", message)
}

/// What was to be called is no address. It is not repeated: it may hold values.
pub(super) fn invalid_url(message: impl Into<String>) -> CallError {
    failure("INVALID_URL", message)
}

/// The profile did more than is looked at.
pub(super) fn too_many_events(most: usize) -> CallError {
    failure(
        "TOO_MANY_EVENTS",
        format!("more than {most} events of the profile are asked for; ask for a shorter time"),
    )
}

/// The properties of what the profile did are more than a run may hold.
pub(super) fn too_much_past(most: usize) -> CallError {
    let most = most / 1024 / 1024;
    too_large(format!(
        "the events of the profile that the run asks for have more than {most} MiB of properties; ask for a shorter time"
    ))
}
