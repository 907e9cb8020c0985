//! One delivery: read the timer and the profile as it is now, or what a workflow sends, send it, judge, settle
//! (docs/protocol.md §6).

use std::time::Duration;

use http::HeaderMap;
use tracing::{Instrument as _, Span};
use tributary_model::{ProfileId, StreamId, TenantId, TraceContext};
use tributary_runtime::{
    now,
    telemetry::{names, propagation},
};
use tributary_streams::{DeliveredMark, Fence, ReadError, Settlement, StreamsError, Timer};

use crate::{
    decide::{Outcome, Reason, decide, describe},
    destinations::Lane,
    entries::nobody,
    letter::DeadDelivery,
    message,
    order::{Direct, Order},
    partition::Dispatcher,
    webhook,
};

/// The pause after the mesh itself could not read the profile. That counts as no attempt: it is not the destination's
/// failure, and ends when Postgres, or a merge, is through.
const NOT_READABLE: Duration = Duration::from_secs(3);
/// The pause while a secret of the destination is missing. That counts as no attempt either: nothing was sent.
const LACKS_A_SECRET: Duration = Duration::from_secs(5);
/// Another process may already run a configuration that has the destination, or this one may be given it.
const UNKNOWN_PAUSE: Duration = Duration::from_secs(60);
const UNKNOWN_ATTEMPTS: u32 = 10;

/// Delivers what a timer stands for. `delivered` is the version of the profile that this owner delivered last for that timer,
/// which is not sent again; the answer is the version that the destination has now, if it took one.
///
/// # Errors
/// Redis refused or did not answer. Whether the timer is settled is unknown then; a repetition carries the same key.
pub(crate) async fn fire(
    dispatcher: &Dispatcher,
    fence: &Fence,
    id: &str,
    delivered: Option<StreamId>,
) -> Result<Option<StreamId>, StreamsError> {
    let Some(timer) = dispatcher.redis.timer(fence, id).await? else { return Ok(None) };
    let order = Order::of(&timer);
    let span = order.span(&timer, fence);
    let trace = Some(propagation::context_of(&span)).filter(|own| own.trace_id().is_some());
    let trace = trace.unwrap_or_else(|| timer.trace.clone());
    let attempt = attempt(dispatcher, &timer, &order, delivered, &trace);
    let verdict = attempt.instrument(span.clone()).await?;
    verdict.record(&span);
    settle(dispatcher, fence, &timer, &order, &trace, &verdict).instrument(span).await?;
    Ok(verdict.delivered())
}

/// How an attempt is to end.
struct Verdict {
    outcome: Outcome,
    /// Failed attempts so far, this one included.
    attempts: u32,
    /// One sentence for people, without anything that was sent.
    message: String,
    /// The version of the profile that it is about, where it was read.
    version: Option<StreamId>,
}

impl Verdict {
    fn dead(reason: Reason, attempts: u32, message: &str) -> Self {
        Self { outcome: Outcome::Dead { reason }, attempts, message: message.to_owned(), version: None }
    }

    fn retry(delay: Duration, attempts: u32, message: &str) -> Self {
        Self { outcome: Outcome::Retry { delay }, attempts, message: message.to_owned(), version: None }
    }

    /// The version that the destination has now.
    fn delivered(&self) -> Option<StreamId> {
        self.version.filter(|_| self.outcome == Outcome::Done)
    }

    fn record(&self, span: &Span) {
        let (outcome, failed) = match self.outcome {
            Outcome::Done => ("done", false),
            Outcome::Retry { .. } => ("retry", true),
            Outcome::Dead { reason } => {
                span.record(names::REASON, reason.as_str());
                ("dead", true)
            }
        };
        span.record(names::OUTCOME, outcome);
        if failed {
            span.record(names::OTEL_STATUS_CODE, "ERROR");
        }
    }
}

async fn attempt(
    dispatcher: &Dispatcher,
    timer: &Timer,
    order: &Order<'_>,
    delivered: Option<StreamId>,
    trace: &TraceContext,
) -> Result<Verdict, StreamsError> {
    let (Some(tenant), Some(profile)) = (&order.tenant, &order.profile) else {
        return Ok(Verdict::dead(
            Reason::Unreadable,
            timer.attempts,
            "the timer names no tenant or no profile",
        ));
    };
    // One revision for the whole attempt; the next one takes whichever runs then.
    let destinations = dispatcher.destinations.current();
    let Some(lane) = destinations.find(tenant, order.destination) else {
        return Ok(unknown(timer.attempts));
    };
    let Some(headers) = &lane.headers else {
        return Ok(Verdict::retry(LACKS_A_SECRET, timer.attempts, "the destination waits for a secret"));
    };
    let letter = Letter { dispatcher, timer, tenant, profile, lane, headers, trace };
    match order.direct {
        Some(direct) => Ok(letter.said(order.destination, direct).await),
        None => letter.profile(order.destination, delivered).await,
    }
}

/// A delivery that can be made.
struct Letter<'a> {
    dispatcher: &'a Dispatcher,
    timer: &'a Timer,
    tenant: &'a TenantId,
    profile: &'a ProfileId,
    lane: &'a Lane,
    headers: &'a HeaderMap,
    trace: &'a TraceContext,
}

impl Letter<'_> {
    /// Sends the profile as it is now.
    async fn profile(&self, destination: &str, delivered: Option<StreamId>) -> Result<Verdict, StreamsError> {
        let Self { dispatcher, timer, tenant, profile, lane, .. } = self;
        let reading = match dispatcher.reader.read(tenant, profile, None).await {
            Ok(reading) => reading,
            // What is wrong with this one profile must not end the work on its neighbours.
            Err(ReadError::Streams(error)) if !matches!(error, StreamsError::Broken(_)) => return Err(error),
            Err(error) => {
                tracing::debug!(%error, "the profile cannot be read yet");
                return Ok(Verdict::retry(NOT_READABLE, timer.attempts, "the profile could not be read"));
            }
        };
        let version = reading.profile.version;
        if version == StreamId::default() {
            let message = "nothing is known of the profile";
            return Ok(Verdict::dead(Reason::ProfileMissing, timer.attempts, message));
        }
        // The last delivery was already of the newest state, ahead of its publication.
        if delivered == Some(version) {
            let message = "the destination has this version".to_owned();
            return Ok(Verdict { outcome: Outcome::Done, attempts: 0, message, version: delivered });
        }
        let body =
            message::body(tenant, destination, &reading.profile_id, &reading.profile, &lane.kinds, now());
        let key = message::idempotency_key(tenant, destination, &reading.profile_id, version);
        Ok(Verdict { version: Some(version), ..self.send(&key, body).await })
    }

    /// Sends what a workflow said.
    async fn said(&self, destination: &str, direct: Direct<'_>) -> Verdict {
        let Some(said) = direct.said() else {
            let message = "what a workflow sends is no JSON object";
            return Verdict::dead(Reason::Unreadable, self.timer.attempts, message);
        };
        let body = message::direct(self.tenant, destination, self.profile, direct.key, said);
        self.send(&message::direct_key(self.tenant, direct.key), body).await
    }

    async fn send(&self, key: &str, body: Vec<u8>) -> Verdict {
        let Self { dispatcher, timer, lane, .. } = self;
        let headers = webhook::headers(self.headers, key, self.trace);
        let answer = webhook::post(&dispatcher.client, &lane.destination.webhook, headers, body).await;
        let outcome = decide(answer, timer.attempts, &lane.destination.retry, rand::random());
        let attempts = timer.attempts.saturating_add(1);
        Verdict { outcome, attempts, message: describe(answer), version: None }
    }
}

fn unknown(failed_before: u32) -> Verdict {
    let (attempts, message) = (failed_before.saturating_add(1), "the configuration has no such destination");
    if attempts < UNKNOWN_ATTEMPTS {
        Verdict::retry(UNKNOWN_PAUSE, attempts, message)
    } else {
        Verdict::dead(Reason::DestinationUnknown, attempts, message)
    }
}

async fn settle(
    dispatcher: &Dispatcher,
    fence: &Fence,
    timer: &Timer,
    order: &Order<'_>,
    trace: &TraceContext,
    verdict: &Verdict,
) -> Result<(), StreamsError> {
    let nobody = nobody();
    let tenant = order.tenant.as_ref().unwrap_or(&nobody);
    let attempts = verdict.attempts;
    let mark = order.tenant.as_ref().zip(order.profile.as_ref()).map(|(tenant, profile)| DeliveredMark {
        tenant,
        profile,
        name: order.name(),
        version: verdict.version.unwrap_or(timer.version),
        life: dispatcher.marks,
    });
    let settlement = match verdict.outcome {
        Outcome::Done => Settlement::Done { mark },
        Outcome::Retry { delay } => {
            tracing::debug!(%tenant, destination = order.destination, attempts, ?delay, "{}", verdict.message);
            Settlement::Retry { attempts, delay }
        }
        Outcome::Dead { reason } => {
            let (destination, message) = (order.destination, &verdict.message);
            tracing::warn!(%tenant, destination, attempts, reason = reason.as_str(), "gave up on a delivery: {message}");
            let letter = DeadDelivery {
                tenant: tenant.as_str(),
                profile: order.profile.as_ref().map(ProfileId::as_str).unwrap_or_default(),
                destination,
                reason,
                message: message.clone(),
                attempts,
                data: order.kept(),
            };
            Settlement::Dead { tenant, letter: letter.encode(now()), trace, mark }
        }
    };
    dispatcher.redis.settle(fence, timer, &settlement).await?;
    Ok(())
}
