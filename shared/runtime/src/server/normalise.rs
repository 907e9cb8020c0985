//! What tonic refuses before a stage sees it gets the code, the reason and the details that the mesh's own refusals have.
//!
//! tonic reads a message only inside its service, so there is no earlier place for this. Its refusals are known by having no
//! details, by code, and by how their messages begin; if a new version of tonic words them differently, the tests of this
//! crate that send such messages fail.

use http::Response;
use tonic::body::Body;
use tonic::{Code, Status};

use crate::fault::{Problem, problem_status};

/// Rewrites an answer that tonic made itself; all others pass as they are.
pub(super) fn response(response: Response<Body>) -> Response<Body> {
    let headers = response.headers();
    let refused = headers.get(Status::GRPC_STATUS).is_some_and(|code| code.as_bytes() != b"0");
    if !refused || headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        return response;
    }
    match Status::from_header_map(headers).as_ref().and_then(problem) {
        Some(problem) => problem_status(&problem).into_http(),
        None => response,
    }
}

/// The same for a message of a client's stream, which fails inside the stage's own code: pass what
/// `Streaming::message` returned through this before it is answered.
pub fn normalise(status: Status) -> Status {
    match problem(&status) {
        Some(problem) if status.details().is_empty() => problem_status(&problem),
        _ => status,
    }
}

fn problem(status: &Status) -> Option<Problem> {
    let message = status.message();
    let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| message.starts_with(beginning));
    let too_large = match status.code() {
        Code::OutOfRange => begins(&["Error, decoded message length too large"]),
        Code::ResourceExhausted => begins(&["Error decompressing: size limit"]),
        _ => false,
    };
    if too_large {
        let limit =
            limit_in(message).map(|limit| format!("; the limit is {limit} bytes")).unwrap_or_default();
        return Some(Problem::invalid("PAYLOAD_TOO_LARGE", "", format!("the message is too large{limit}")));
    }
    let malformed = status.code() == Code::Internal
        && begins(&[
            "failed to decode Protobuf message",
            "Error decompressing",
            "protocol error: received message with",
            "Unexpected EOF decoding stream",
            "Missing request message",
        ]);
    // The decoder's own words name a field of the contract and never a value.
    malformed
        .then(|| Problem::invalid("PAYLOAD_MALFORMED", "", format!("the message cannot be read: {message}")))
}

/// The limit that tonic names in both sentences, as the last number but one or the only one.
fn limit_in(message: &str) -> Option<u64> {
    let mut numbers =
        message.split(|other: char| !other.is_ascii_digit()).filter(|digits| !digits.is_empty());
    numbers.next_back()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, into_status, reason_of};

    #[test]
    fn tonics_own_refusals_become_ours() {
        let too_large = "Error, decoded message length too large: found 9 bytes, the limit is: 4 bytes";
        let bomb = "Error decompressing: size limit, of 4 bytes, exceeded while decompressing message";
        let known = [
            (Status::out_of_range(too_large), "PAYLOAD_TOO_LARGE"),
            (Status::resource_exhausted(bomb), "PAYLOAD_TOO_LARGE"),
            (Status::internal("failed to decode Protobuf message: buffer underflow"), "PAYLOAD_MALFORMED"),
            (
                Status::internal("Error decompressing: invalid gzip header, while sending request"),
                "PAYLOAD_MALFORMED",
            ),
            (Status::internal("Unexpected EOF decoding stream."), "PAYLOAD_MALFORMED"),
            (Status::internal("Missing request message."), "PAYLOAD_MALFORMED"),
        ];
        for (status, reason) in known {
            let status = normalise(status);
            assert_eq!(status.code(), Code::InvalidArgument);
            assert_eq!(reason_of(&status).as_deref(), Some(reason));
            assert!(
                reason != "PAYLOAD_TOO_LARGE" || status.message().contains("limit is 4 bytes"),
                "{status}"
            );
        }
    }

    #[test]
    fn a_stages_own_answer_is_left_alone() {
        let own = into_status(&Problem::new(
            Fault::OutOfRange,
            "RESUME_TOKEN_TOO_OLD",
            "Error, decoded message length",
        ));
        assert_eq!(reason_of(&normalise(own)).as_deref(), Some("RESUME_TOKEN_TOO_OLD"));
        for other in [Status::internal("something else"), Status::unimplemented(""), Status::out_of_range("")]
        {
            assert_eq!(normalise(other.clone()).code(), other.code());
        }
    }
}
