//! One delivery: read the timer and the profile as it is now, send, judge, settle (docs/protocol.md §6).

use std::time::Duration;

use tracing::{Instrument as _, Span, field::Empty, info_span};
use tributary_model::{ProfileId, StreamId, TenantId, TraceContext};
use tributary_runtime::{
    now,
    telemetry::{names, propagation},
};
use tributary_streams::{Fence, ReadError, Settlement, StreamsError, Timer};

use crate::{
    decide::{Outcome, Reason, decide, describe},
    entries::nobody,
    letter::DeadDelivery,
    message,
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

/// Delivers what a timer stands for. `delivered` is the version that this owner delivered last for that timer, which is
/// not sent again; the answer is the version that the destination has now, if it took one.
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
    let span = span(&timer, &order, fence);
    let trace = Some(propagation::context_of(&span)).filter(|own| own.trace_id().is_some());
    let trace = trace.unwrap_or_else(|| timer.trace.clone());
    let attempt = attempt(dispatcher, &timer, &order, delivered, &trace);
    let verdict = attempt.instrument(span.clone()).await?;
    verdict.record(&span);
    settle(dispatcher, fence, &timer, &order, &trace, &verdict).instrument(span).await?;
    Ok(verdict.delivered)
}

/// What a timer asks for.
struct Order<'a> {
    tenant: Option<TenantId>,
    profile: Option<ProfileId>,
    destination: &'a str,
}

impl<'a> Order<'a> {
    fn of(timer: &'a Timer) -> Self {
        let field = |name: &str| timer.fields.get(name).map(String::as_str).unwrap_or_default();
        Self {
            tenant: TenantId::new(field("tenant")).ok(),
            profile: ProfileId::new(field("profile")).ok(),
            destination: field("destination"),
        }
    }
}

/// How an attempt is to end.
struct Verdict {
    outcome: Outcome,
    /// Failed attempts so far, this one included.
    attempts: u32,
    /// One sentence for people, without anything that was sent.
    message: String,
    delivered: Option<StreamId>,
}

impl Verdict {
    fn dead(reason: Reason, attempts: u32, message: &str) -> Self {
        Self { outcome: Outcome::Dead { reason }, attempts, message: message.to_owned(), delivered: None }
    }

    fn retry(delay: Duration, attempts: u32, message: &str) -> Self {
        Self { outcome: Outcome::Retry { delay }, attempts, message: message.to_owned(), delivered: None }
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
        return Ok(Verdict::dead(Reason::ProfileMissing, timer.attempts, "nothing is known of the profile"));
    }
    // The last delivery was already of the newest state, ahead of its publication.
    if delivered == Some(version) {
        let message = "the destination has this version".to_owned();
        return Ok(Verdict { outcome: Outcome::Done, attempts: 0, message, delivered });
    }
    let body =
        message::body(tenant, order.destination, &reading.profile_id, &reading.profile, &lane.kinds, now());
    let key = message::idempotency_key(tenant, order.destination, &reading.profile_id, version);
    let headers = webhook::headers(headers, &key, trace);
    let answer = webhook::post(&dispatcher.client, &lane.destination.webhook, headers, body).await;
    let outcome = decide(answer, timer.attempts, &lane.destination.retry, rand::random());
    let delivered = (outcome == Outcome::Done).then_some(version);
    let attempts = timer.attempts.saturating_add(1);
    Ok(Verdict { outcome, attempts, message: describe(answer), delivered })
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
    let settlement = match verdict.outcome {
        Outcome::Done => Settlement::Done,
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
            };
            Settlement::Dead { tenant, letter: letter.encode(now()), trace }
        }
    };
    dispatcher.redis.settle(fence, timer, &settlement).await?;
    Ok(())
}

/// Continues the trace of the newest version and links those that went before it.
fn span(timer: &Timer, order: &Order<'_>, fence: &Fence) -> Span {
    let span = info_span!(
        names::DELIVER,
        { names::OTEL_KIND } = "client",
        { names::TENANT } = order.tenant.as_ref().map(TenantId::as_str),
        { names::DESTINATION } = order.destination,
        { names::PARTITION } = names::number(fence.partition.0),
        { names::ATTEMPT } = names::number(timer.attempts.saturating_add(1)),
        { names::OUTCOME } = Empty,
        { names::REASON } = Empty,
        { names::OTEL_STATUS_CODE } = Empty,
    );
    propagation::set_parent(&span, &timer.trace);
    for link in &timer.links {
        let cause = TraceContext { traceparent: link.clone(), tracestate: String::new() };
        propagation::add_link(&span, &cause);
    }
    span
}
