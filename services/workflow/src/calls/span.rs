//! What the trace tells of a call: to whom, how often, with what status; never what was said.

use tracing::{Span, field::Empty, info_span};
use tributary_engine::{Call, CallError, Wanted};
use tributary_runtime::telemetry::names;

use super::Asker;
use super::place::Place;

/// The span of a call, a child of the run's.
pub(super) fn of(asker: &Asker<'_>, wanted: &Wanted) -> Span {
    let (kind, method) = match &wanted.call {
        Call::Http(call) => ("client", call.method.as_str()),
        Call::Node(_) => ("client", "tributary.v1.NodeService/Call"),
        Call::History(_) => ("internal", "history"),
    };
    info_span!(
        names::CALL,
        { names::OTEL_KIND } = kind,
        { names::TENANT } = asker.tenant.as_str(),
        { names::WORKFLOW } = asker.workflow.name,
        { names::NODE } = wanted.node,
        { names::METHOD } = method,
        { names::SERVER_ADDRESS } = Empty,
        { names::SERVER_PORT } = Empty,
        { names::HTTP_RESPONSE_STATUS_CODE } = Empty,
        { names::ATTEMPTS } = Empty,
        { names::OUTCOME } = Empty,
        { names::REASON } = Empty,
        { names::OTEL_STATUS_CODE } = Empty,
    )
}

/// Whom it calls.
pub(super) fn to(span: &Span, place: &Place) {
    span.record(names::SERVER_ADDRESS, place.host.to_string());
    span.record(names::SERVER_PORT, names::number(place.port));
}

/// How many attempts were made.
pub(super) fn made(span: &Span, attempts: u32) {
    span.record(names::ATTEMPTS, names::number(attempts));
}

/// What HTTP status was answered.
pub(super) fn status(span: &Span, status: u16) {
    span.record(names::HTTP_RESPONSE_STATUS_CODE, names::number(status));
}

/// How it ended.
pub(super) fn ended(span: &Span, error: Option<&CallError>) {
    match error {
        None => drop(span.record(names::OUTCOME, "answered")),
        Some(error) => {
            span.record(names::OUTCOME, "failed");
            span.record(names::REASON, error.reason.as_str());
            span.record(names::OTEL_STATUS_CODE, "ERROR");
        }
    }
}
