//! What a call that failed means to the person at the terminal: the one place where a status becomes words.

use std::{fmt::Write as _, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::mesh::{Place, no_answer, root};

/// The message, everything that is wrong with its place, and what to do next.
pub(crate) fn of_call(place: &Place, status: &Status) -> anyhow::Error {
    let details = status.get_error_details();
    // What the mesh says itself has a reason; without one nobody of it was reached.
    if details.error_info().is_none() {
        match status.code() {
            Code::Unavailable | Code::Unknown => return no_answer(&place.url, cause(status)),
            Code::DeadlineExceeded | Code::Cancelled => {
                return no_answer(&place.url, "no answer within the time");
            }
            Code::Unimplemented => {
                return anyhow::anyhow!(
                    "what answers at {place} does not know this call: another service, or an older mesh than this command"
                );
            }
            _ => {}
        }
    }
    let mut words = in_words(status, &details);
    if status.code() == Code::Unauthenticated && !place.keys().is_empty() {
        let _ = write!(words, "\n  what was shown is {}", place.keys());
    }
    anyhow::anyhow!(words)
}

/// One line, for where there are many: the message and its reason.
pub(crate) fn in_short(status: &Status) -> String {
    let details = status.get_error_details();
    match details.error_info() {
        Some(info) => format!("{} ({})", status.message(), info.reason),
        None => format!("{}: {}", status.code(), cause(status)),
    }
}

/// The stable reason of what the mesh said; empty where it was not the mesh that said it.
pub(crate) fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

/// When the mesh says that another try makes sense.
pub(crate) fn retry_after(status: &Status) -> Option<Duration> {
    status.get_details_retry_info()?.retry_delay
}

/// Whether the same call may succeed later, by itself. A limit is worth another try only where the mesh says when.
pub(crate) fn is_worth_a_retry(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Aborted | Code::Cancelled => true,
        Code::ResourceExhausted => status.get_details_retry_info().is_some(),
        // A connection that breaks in the middle of an answer surfaces as Unknown or Internal, without details.
        Code::Unknown | Code::Internal => status.details().is_empty(),
        _ => false,
    }
}

fn in_words(status: &Status, details: &ErrorDetails) -> String {
    let mut words = status.message().to_owned();
    if words.is_empty() {
        words = status.code().to_string();
    }
    if let Some(info) = details.error_info() {
        let _ = write!(words, " ({})", info.reason);
    }
    let violations = details.bad_request().into_iter().flat_map(|request| &request.field_violations);
    // The only one may say what the message says.
    for violation in violations.filter(|violation| violation.description != status.message()) {
        let _ = write!(words, "\n  {}: {}", violation.field, violation.description);
    }
    if let Some(after) = details.retry_info().and_then(|info| info.retry_delay) {
        let _ = write!(words, "\n  try again in {}", humantime::format_duration(after));
    }
    if let Some(request) = details.request_info().filter(|_| status.code() == Code::Internal) {
        let _ = write!(words, "\n  the stage's log has the cause, under trace id {}", request.request_id);
    }
    words
}

/// The message of a broken connection only says that there was an error; its source says which.
fn cause(status: &Status) -> String {
    let root = root(status).to_string();
    let of_itself = root == status.to_string();
    if of_itself { status.message().to_owned() } else { root }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn status(code: Code, message: &str, fill: impl FnOnce(&mut ErrorDetails)) -> Status {
        let none = HashMap::<String, String>::new();
        let mut details = ErrorDetails::with_error_info("SOME_REASON", "tributary", none);
        fill(&mut details);
        Status::with_error_details(code, message, details)
    }

    #[test]
    fn all_that_is_wrong_is_told_with_its_place_and_when_to_try_again() {
        let refused = status(Code::InvalidArgument, "the configuration is wrong", |details| {
            details.add_bad_request_violation("shop.yaml:9:14", "`add` is no operation");
            details.set_retry_info(Some(Duration::from_millis(1500)));
        });
        assert_eq!(
            of_call(&Place::of("http://mesh"), &refused).to_string(),
            "the configuration is wrong (SOME_REASON)\n  shop.yaml:9:14: `add` is no operation\n  try again in 1s 500ms"
        );
        assert_eq!(in_short(&refused), "the configuration is wrong (SOME_REASON)");
        assert_eq!(reason(&refused), "SOME_REASON");
    }

    #[test]
    fn what_the_message_says_already_is_not_told_again_with_its_place() {
        let text = "the tenant has no workflow welcom; did you mean welcome?";
        let refused = status(Code::NotFound, text, |details| {
            details.add_bad_request_violation("workflow", text);
            details.add_bad_request_violation("source", "name one");
        });
        assert_eq!(
            of_call(&Place::of("http://mesh"), &refused).to_string(),
            format!("{text} (SOME_REASON)\n  source: name one")
        );
    }

    #[test]
    fn without_a_reason_it_was_not_the_mesh_that_answered() {
        let nobody =
            of_call(&Place::of("http://mesh"), &Status::unavailable("tcp connect error")).to_string();
        assert!(nobody.contains("http://mesh: tcp connect error; is it up? start it with"), "{nobody}");
        let mesh = status(Code::Unavailable, "Postgres does not answer", |_| {});
        assert_eq!(
            of_call(&Place::of("http://mesh"), &mesh).to_string(),
            "Postgres does not answer (SOME_REASON)"
        );
        let other = of_call(&Place::of("http://mesh"), &Status::unimplemented("")).to_string();
        assert!(other.contains("does not know this call"), "{other}");
    }

    #[test]
    fn a_key_that_is_refused_is_told_with_where_it_was_found() {
        let refused = status(Code::Unauthenticated, "the key is not known", |_| {});
        let refused = of_call(&Place::of("http://mesh"), &refused);
        assert!(refused.to_string().ends_with("what was shown is TRIBUTARY_ADMIN_KEY of the environment"));
    }
}
