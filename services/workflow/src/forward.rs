//! A derived event is handed to preprocess, by the same door as any other (docs/protocol.md §6).
//!
//! At least once, and once in effect: its id is derived, so a repeat is a duplicate there.

use crate::lanes::{Handler, Seat};
use crate::letter;
use crate::worker::Worker;
use backon::{BackoffBuilder, ExponentialBuilder};
use prost::Message;
use std::time::Duration;
use tonic::{Code, Request, Status};
use tracing::Instrument;
use tributary_model::TenantId;
use tributary_proto::v1;
use tributary_runtime::client::{call_span, record_end};
use tributary_runtime::telemetry::propagation;
use tributary_runtime::{deadline, now, reason_of};
use tributary_streams::{Effect, Group, Handed, Held, StreamsError};

/// Handles entries of `{p}:forward`.
pub(crate) struct Forwards<'a> {
    pub(crate) worker: &'a Worker,
    pub(crate) held: &'a Held,
}

impl Handler for Forwards<'_> {
    async fn handle(&self, handed: Handed, seat: &Seat<'_>) -> Result<(), StreamsError> {
        handle(self.worker, self.held, handed, seat).await
    }

    async fn give_up(&self, handed: Handed) -> Result<(), StreamsError> {
        let effects = [dead(&handed, "PANICKED")];
        commit(self.worker, self.held, &handed, &effects).await
    }
}

/// Tries until answered: a later event for the same profile must not overtake this one.
async fn handle(worker: &Worker, held: &Held, handed: Handed, seat: &Seat<'_>) -> Result<(), StreamsError> {
    let effects = match read(&handed) {
        Ok(request) => match send(worker, held, &handed, &request, seat).await {
            None => return Ok(()),
            Some(Ok(())) => Vec::new(),
            Some(Err(reason)) => vec![dead(&handed, &reason)],
        },
        Err(reason) => {
            let (p, entry) = (held.fence.partition.0, handed.entry.id);
            tracing::error!(partition = p, %entry, reason, "a derived event is given up on");
            vec![dead(&handed, reason)]
        }
    };
    commit(worker, held, &handed, &effects).await
}

/// What is to be sent; why not, where that is not known.
fn read(handed: &Handed) -> Result<v1::ProcessRequest, &'static str> {
    if handed.entry.lost {
        return Err("TRIMMED");
    }
    v1::ProcessRequest::decode(handed.entry.data.as_slice()).map_err(|_| "UNREADABLE")
}

async fn commit(
    worker: &Worker,
    held: &Held,
    handed: &Handed,
    effects: &[Effect],
) -> Result<(), StreamsError> {
    let entry = &handed.entry;
    let tenant = TenantId::new(entry.tenant.as_str())
        .unwrap_or_else(|_| TenantId::new("unknown").expect("a word is an id"));
    worker.redis.commit(&held.fence, Group::Forwarder, entry.id, &tenant, effects, &entry.trace).await?;
    Ok(())
}

fn dead(handed: &Handed, reason: &str) -> Effect {
    let message = match reason {
        "TRIMMED" => "this derived event was trimmed before preprocess took it: it is lost",
        _ => "preprocess does not take this derived event",
    };
    Effect::Dead(letter::of_entry(&handed.entry, "forward", reason, message, handed.deliveries, now()))
}

/// Sends until answered: a target that is away or full is tried again, and never parked. `None` where the partition is
/// handed over first; `Err` with the reason where the answer is no.
async fn send(
    worker: &Worker,
    held: &Held,
    handed: &Handed,
    request: &v1::ProcessRequest,
    seat: &Seat<'_>,
) -> Option<Result<(), String>> {
    let mut delays = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
        .build();
    let span = call_span("tributary.v1.PreprocessService/Process");
    propagation::set_parent(&span, &handed.entry.trace);
    loop {
        let mut preprocess = worker.preprocess.clone();
        // Nothing may be appended for an owner that has lost its lease: its successor sends this entry again.
        let call = deadline::with_deadline(Request::new(request.clone()), worker.lease / 2);
        let answered = async { preprocess.process(call).await }.instrument(span.clone()).await;
        if answered.as_ref().err().is_none_or(is_final) {
            record_end(&span, &answered);
        }
        match answered {
            Ok(answer) => return Some(outcome(&answer.into_inner())),
            Err(status) if is_final(&status) => {
                return Some(Err(reason_of(&status).unwrap_or_else(|| "REFUSED".to_owned())));
            }
            Err(status) => {
                tracing::debug!(partition = held.fence.partition.0, code = ?status.code(), "a derived event waits");
                let delay = delays.next().unwrap_or_default();
                let pause = held.stop.run_until_cancelled(tokio::time::sleep(delay));
                seat.resting(pause).await?;
            }
        }
    }
}

/// What preprocess said to a derived event.
///
/// # Errors
/// It does not take it, for this reason: the event is given up on.
pub fn outcome(answer: &v1::ProcessResponse) -> Result<(), String> {
    let event = answer.answer.as_ref().and_then(|answer| answer.events.first());
    match event.map(v1::EventResult::status) {
        Some(v1::EventStatus::Accepted | v1::EventStatus::Duplicate) => Ok(()),
        Some(v1::EventStatus::Invalid) => {
            let reason =
                event.and_then(|event| event.violations.first()).map(|violation| violation.reason.clone());
            Err(reason.unwrap_or_else(|| "INVALID".to_owned()))
        }
        Some(v1::EventStatus::Unspecified) | None => Err("NO_RESULT".to_owned()),
    }
}

fn is_final(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument | Code::NotFound | Code::FailedPrecondition | Code::OutOfRange
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_model::StreamId;
    use tributary_streams::Entry;

    #[test]
    fn a_derived_event_that_was_trimmed_leaves_a_dead_letter_and_is_not_sent() {
        let entry = Entry { id: StreamId::new(7, 1), lost: true, ..Entry::default() };
        let handed = Handed { entry, deliveries: 2 };
        let reason = read(&handed).unwrap_err();
        let Effect::Dead(letter) = dead(&handed, reason) else { panic!() };
        let letter = v1::DeadLetter::decode(letter.as_slice()).unwrap();
        assert_eq!(
            (letter.kind.as_str(), letter.reason.as_str(), letter.attempts),
            ("forward", "TRIMMED", 2)
        );
    }

    #[test]
    fn what_is_no_request_is_given_up_on() {
        let entry = Entry { data: vec![0xff, 0xff], ..Entry::default() };
        assert_eq!(read(&Handed { entry, deliveries: 1 }), Err("UNREADABLE"));
    }
}
