//! Room for calls that wait for more than acceptance, beside those that do not. Which those are is preprocess's to say; here
//! it is only guessed, from the same words.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tributary_config::WaitFor;
use tributary_proto::v1;
use tributary_runtime::{Fault, Problem, ServiceError};

/// As many calls wait as may.
#[derive(Debug, thiserror::Error)]
#[error("too many calls wait for more than acceptance; nothing was written: try again later, or do not wait")]
pub(crate) struct TooManyWaiting;

impl ServiceError for TooManyWaiting {
    fn problem(&self) -> Problem {
        Problem::new(Fault::Exhausted, "TOO_MANY_WAITING", self.to_string())
            .retry_after(Duration::from_secs(1))
    }
}

/// How many calls may wait at once.
pub(crate) struct Room(Arc<Semaphore>);

impl Room {
    /// Of `calls` that are worked on at once, half: a mesh that is slow must not keep out those who do not wait for it. All
    /// tenants share it.
    pub(crate) fn beside(calls: usize) -> Self {
        Self(Arc::new(Semaphore::new((calls / 2).clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// Room for a call until what is answered is dropped; `None` for one that does not wait.
    ///
    /// # Errors
    /// There is none left.
    pub(crate) fn enter(
        &self,
        payload: &v1::TrackRequest,
        source: WaitFor,
    ) -> Result<Option<OwnedSemaphorePermit>, TooManyWaiting> {
        if !waits(payload, source) {
            return Ok(None);
        }
        self.0.clone().try_acquire_owned().map(Some).map_err(|_| TooManyWaiting)
    }
}

/// Whether any event is to be waited for: by its own word, else by the payload's, else by its source's.
fn waits(payload: &v1::TrackRequest, source: WaitFor) -> bool {
    let said = |word: i32| (word != 0).then_some(word > v1::WaitFor::Accepted.into());
    let of_payload = payload.options.as_ref().and_then(|options| said(options.wait_for));
    let otherwise = of_payload.unwrap_or(source > WaitFor::Accepted);
    payload.events.iter().any(|event| said(event.wait_for).unwrap_or(otherwise))
}

#[cfg(test)]
mod tests {
    use super::*;
    use v1::WaitFor::{Accepted, Unspecified, Workflow};

    fn payload(of_payload: v1::WaitFor, of_events: &[v1::WaitFor]) -> v1::TrackRequest {
        let event =
            |word: &v1::WaitFor| v1::EventInput { wait_for: (*word).into(), ..v1::EventInput::default() };
        v1::TrackRequest {
            options: Some(v1::TrackOptions { wait_for: of_payload.into(), ..v1::TrackOptions::default() }),
            events: of_events.iter().map(event).collect(),
            ..v1::TrackRequest::default()
        }
    }

    #[test]
    fn a_call_waits_where_any_of_its_events_is_waited_for() {
        for (of_payload, of_events, source, expected) in [
            (Unspecified, [Unspecified; 2], WaitFor::Accepted, false),
            (Unspecified, [Unspecified; 2], WaitFor::Workflow, true),
            (Accepted, [Unspecified; 2], WaitFor::Delivered, false),
            (Accepted, [Unspecified, Workflow], WaitFor::Accepted, true),
            (Workflow, [Accepted; 2], WaitFor::Stored, false),
            (Workflow, [Accepted, Unspecified], WaitFor::Accepted, true),
        ] {
            let payload = payload(of_payload, &of_events);
            assert_eq!(waits(&payload, source), expected, "{of_payload:?}, {of_events:?}, {source:?}");
        }
        let without_options = v1::TrackRequest { options: None, ..payload(Unspecified, &[Unspecified]) };
        assert!(waits(&without_options, WaitFor::Workflow) && !waits(&without_options, WaitFor::Accepted));
    }

    #[test]
    fn calls_that_wait_leave_room_for_those_that_do_not() {
        let room = Room::beside(8);
        let enter = |word| room.enter(&payload(word, &[Unspecified]), WaitFor::Accepted);
        let waiting: Vec<_> = (0..4).map(|_| enter(Workflow).unwrap()).collect();
        assert_eq!(enter(Workflow).unwrap_err().problem().reason, "TOO_MANY_WAITING");
        assert!(enter(Accepted).unwrap().is_none(), "it takes no place");
        drop(waiting);
        assert!(enter(Workflow).unwrap().is_some());
    }
}
