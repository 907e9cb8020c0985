//! How much time a caller has left, on both sides of a hop.
//!
//! gRPC sends a duration (`grpc-timeout`) and not a time of day. The server turns it into an instant when the call
//! arrives (see [`server`](crate::server)), so that a handler asking late is told what is left and not what was given.

use std::time::Duration;

use tokio::time::Instant;
use tonic::Request;
use tonic::metadata::MetadataMap;

use crate::fault::{Fault, Problem};

/// When the call that carries this as an extension ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    /// Whether the caller set it, rather than the server's default.
    pub(crate) by_caller: bool,
}

/// Something that says how much time its caller gave.
pub trait Timed {
    /// The time left by the caller's own deadline; none if the caller set none.
    fn time_left(&self) -> Option<Duration>;
}

impl<T> Timed for Request<T> {
    fn time_left(&self) -> Option<Duration> {
        match self.extensions().get::<Deadline>() {
            Some(deadline) if deadline.by_caller => {
                Some(deadline.at.saturating_duration_since(Instant::now()))
            }
            Some(_) => None,
            None => self.metadata().time_left(),
        }
    }
}

impl Timed for MetadataMap {
    fn time_left(&self) -> Option<Duration> {
        parse(self.get("grpc-timeout")?.to_str().ok()?)
    }
}

/// The time the caller left, if it set a deadline. Of a [`Request`] it is what remains now; of bare metadata what was
/// given when the call was sent.
pub fn remaining(call: &impl Timed) -> Option<Duration> {
    call.time_left()
}

/// The time until the call is cut off, by the caller's deadline or by the server's default; none where nothing ends it. For
/// calls that wait for something and answer without it in time.
pub fn until_cut<T>(call: &Request<T>) -> Option<Duration> {
    let deadline = call.extensions().get::<Deadline>();
    deadline.map(|deadline| deadline.at.saturating_duration_since(Instant::now())).or_else(|| remaining(call))
}

/// As [`remaining`], for internal hops, where a call without a deadline is a defect of the calling stage.
///
/// # Errors
/// INVALID_ARGUMENT with reason DEADLINE_REQUIRED.
pub fn require(call: &impl Timed) -> Result<Duration, Problem> {
    remaining(call).ok_or_else(|| {
        Problem::new(Fault::InvalidInput, "DEADLINE_REQUIRED", "this call needs a deadline; set grpc-timeout")
    })
}

/// Sets the deadline of an outgoing call. Pass what is left of the incoming one, minus what this stage still needs.
#[must_use]
pub fn with_deadline<T>(mut request: Request<T>, remaining: Duration) -> Request<T> {
    request.set_timeout(remaining);
    request
}

/// One to eight digits and a unit, as the gRPC protocol has it. What does not parse counts as no deadline, like in every
/// other implementation.
pub(crate) fn parse(header: &str) -> Option<Duration> {
    let (digits, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_the_protocol_is_read() {
        let hour = Duration::from_secs(3600);
        let known = [
            ("1H", hour),
            ("60M", hour),
            ("3600S", hour),
            ("3600000m", hour),
            ("5u", Duration::from_micros(5)),
            ("99999999n", Duration::from_nanos(99_999_999)),
        ];
        for (header, expected) in known {
            assert_eq!(parse(header), Some(expected), "{header}");
        }
    }

    #[test]
    fn what_is_no_deadline_is_none() {
        for header in ["", "S", "1", "123456789S", "-1S", "1.5S", "1s", "1é", "+1S"] {
            assert_eq!(parse(header), None, "{header}");
        }
    }

    #[test]
    fn a_deadline_that_was_set_is_read_on_the_other_side() {
        let request = with_deadline(Request::new(()), Duration::from_millis(250));
        assert_eq!(require(&request).unwrap(), Duration::from_millis(250));
        assert_eq!(remaining(request.metadata()), Some(Duration::from_millis(250)));
    }

    #[test]
    fn an_internal_call_without_a_deadline_is_refused() {
        assert_eq!(require(&Request::new(())).unwrap_err().reason, "DEADLINE_REQUIRED");
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_asks_late_is_told_what_is_left() {
        let mut request = Request::new(());
        let at = Instant::now() + Duration::from_secs(10);
        request.extensions_mut().insert(Deadline { at, by_caller: true });
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(remaining(&request), Some(Duration::from_secs(6)));
    }

    #[test]
    fn the_servers_default_is_not_taken_for_the_callers_wish() {
        let mut request = Request::new(());
        request.extensions_mut().insert(Deadline { at: Instant::now(), by_caller: false });
        assert_eq!(remaining(&request), None);
        assert_eq!(until_cut(&request), Some(Duration::ZERO));
    }
}
