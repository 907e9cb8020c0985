//! How a trace goes on: through gRPC metadata, through HTTP headers, and through stream entries as two strings.
//!
//! An empty [`TraceContext`] means no trace. What cannot be read counts as empty: a broken header of a caller must not
//! fail its call. One message with one cause takes it as parent, set before the span is entered; a batch has many
//! causes and links them.

use http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tracing::Span;
use tracing_opentelemetry::{OpenTelemetrySpanExt, SetParentError};
use tributary_model::TraceContext;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
/// The specification's lower bound of what must be carried; longer ones are dropped, as it allows.
const MAX_TRACESTATE_BYTES: usize = 512;

/// The context of the span that is entered now.
pub fn current() -> TraceContext {
    context_of(&Span::current())
}

/// The context of a span, to be carried where it cannot go itself. Asking starts the span: set its parent before.
pub fn context_of(span: &Span) -> TraceContext {
    let context = span.context();
    let span = context.span();
    let ids = span.span_context();
    if !ids.is_valid() {
        return TraceContext::default();
    }
    TraceContext {
        traceparent: format!("00-{:032x}-{:016x}-{:02x}", ids.trace_id(), ids.span_id(), ids.trace_flags()),
        tracestate: ids.trace_state().header(),
    }
}

/// The id of the current trace, for answers.
pub fn current_trace_id() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let ids = span.span_context();
    ids.is_valid().then(|| ids.trace_id().to_string())
}

/// Makes a span the child of a context from elsewhere. Call it before the span is entered or asked for its context:
/// later it has ids of its own, the trace is broken, and the log says so.
pub fn set_parent(span: &Span, context: &TraceContext) {
    let Some(parent) = span_context(context) else { return };
    match span.set_parent(Context::new().with_remote_span_context(parent)) {
        // Without telemetry, or for a span that is filtered out, there is no trace to continue.
        Ok(()) | Err(SetParentError::LayerNotFound | SetParentError::SpanDisabled) => {}
        Err(error @ SetParentError::AlreadyStarted) => {
            let name = span.metadata().map_or("", |metadata| metadata.name());
            tracing::warn!(span = name, "a trace is broken: {error}");
        }
    }
}

/// Links a span to another cause. Works before and after the span is entered.
pub fn add_link(span: &Span, context: &TraceContext) {
    if let Some(cause) = span_context(context) {
        span.add_link(cause);
    }
}

/// Adds an event to a span, with these attributes; the log says nothing of it.
pub fn add_event(span: &Span, name: &'static str, attributes: &[(&'static str, &str)]) {
    let attributes = attributes.iter().map(|(key, value)| KeyValue::new(*key, (*value).to_owned()));
    span.add_event(name, attributes.collect());
}

/// Writes a context into gRPC metadata; an empty one writes nothing.
pub fn inject(context: &TraceContext, metadata: &mut MetadataMap) {
    for (key, value) in [(TRACEPARENT, &context.traceparent), (TRACESTATE, &context.tracestate)] {
        if let Some(value) = header_text(value).and_then(|text| text.parse::<MetadataValue<Ascii>>().ok()) {
            metadata.insert(key, value);
        }
    }
}

/// Writes a context into HTTP headers; an empty one writes nothing.
pub fn inject_http(context: &TraceContext, headers: &mut HeaderMap) {
    for (key, value) in [(TRACEPARENT, &context.traceparent), (TRACESTATE, &context.tracestate)] {
        if let Some(value) = header_text(value).and_then(|text| text.parse().ok()) {
            headers.insert(key, value);
        }
    }
}

/// The caller's context from gRPC metadata; empty if there is none that can be read.
pub fn extract(metadata: &MetadataMap) -> TraceContext {
    extract_http(metadata.as_ref())
}

/// The caller's context from HTTP headers; empty if there is none that can be read.
pub fn extract_http(headers: &HeaderMap) -> TraceContext {
    let text = |key| headers.get(key).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let tracestate = Some(text(TRACESTATE)).filter(|state| state.len() <= MAX_TRACESTATE_BYTES);
    let context = TraceContext {
        traceparent: text(TRACEPARENT).to_owned(),
        tracestate: tracestate.unwrap_or_default().to_owned(),
    };
    if span_context(&context).is_some() { context } else { TraceContext::default() }
}

fn header_text(value: &str) -> Option<&str> {
    (!value.is_empty()).then_some(value)
}

fn span_context(context: &TraceContext) -> Option<SpanContext> {
    if context.traceparent.is_empty() {
        return None;
    }
    let read = TraceContextPropagator::new().extract_with_context(&Context::new(), &Fields(context));
    let ids = read.span().span_context().clone();
    ids.is_valid().then_some(ids)
}

struct Fields<'a>(&'a TraceContext);

impl Extractor for Fields<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            TRACEPARENT => Some(&self.0.traceparent),
            TRACESTATE => header_text(&self.0.tracestate),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT, TRACESTATE]
    }
}

#[cfg(test)]
mod tests {
    use tracing::info_span;

    use super::*;
    use crate::telemetry::testing::recorded;

    #[test]
    fn ids_survive_the_way_through_two_strings() {
        let spans = recorded(|| {
            let sender = info_span!("sender").in_scope(current);
            let carried = TraceContext { traceparent: sender.traceparent, tracestate: "vendor=1".to_owned() };
            let receiver = info_span!("receiver");
            set_parent(&receiver, &carried);
            let _entered = receiver.enter();
            assert_eq!(current().tracestate, "vendor=1");
            assert!(current().is_sampled());
        });
        let (sender, receiver) = (spans.span("sender"), spans.span("receiver"));
        assert_eq!(receiver.span_context.trace_id(), sender.span_context.trace_id());
        assert_eq!(receiver.parent_span_id, sender.span_context.span_id());
        assert!(receiver.parent_span_is_remote);
    }

    #[test]
    fn ids_survive_the_way_through_metadata_and_headers() {
        recorded(|| {
            let context = context_of(&info_span!("sender"));
            let mut metadata = MetadataMap::new();
            inject(&context, &mut metadata);
            assert_eq!(extract(&metadata), context);
            let mut headers = HeaderMap::new();
            inject_http(&context, &mut headers);
            assert_eq!(extract_http(&headers), context);
        });
    }

    #[test]
    fn a_link_keeps_the_span_in_its_own_trace() {
        let spans = recorded(|| {
            let cause = context_of(&info_span!("cause"));
            let batch = info_span!("batch");
            add_link(&batch, &cause);
            batch.in_scope(|| add_link(&batch, &cause));
        });
        let (cause, batch) = (spans.span("cause"), spans.span("batch"));
        assert_ne!(batch.span_context.trace_id(), cause.span_context.trace_id());
        let linked: Vec<_> = batch.links.iter().map(|link| link.span_context.span_id()).collect();
        assert_eq!(linked, [cause.span_context.span_id(); 2]);
    }

    #[test]
    fn an_event_of_a_span_has_a_name_and_attributes() {
        let spans = recorded(|| {
            let span = info_span!("run");
            add_event(&span, "node", &[("tributary.node", "ask")]);
        });
        let event = &spans.span("run").events[0];
        assert_eq!((event.name.as_ref(), event.attributes[0].value.to_string().as_str()), ("node", "ask"));
    }

    #[test]
    fn no_context_means_a_trace_of_its_own() {
        let spans = recorded(|| {
            let span = info_span!("alone");
            set_parent(&span, &TraceContext::default());
            span.in_scope(|| {});
        });
        assert!(!spans.span("alone").parent_span_is_remote);
    }

    #[test]
    fn what_cannot_be_read_counts_as_none() {
        let too_long = format!("a={}", "b".repeat(600));
        for broken in
            ["", "00", "00-00000000000000000000000000000000-0000000000000000-01", "hello-world-a-b", "ü"]
        {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", http::HeaderValue::from_bytes(broken.as_bytes()).unwrap());
            headers.insert("tracestate", too_long.parse().unwrap());
            assert_eq!(extract_http(&headers), TraceContext::default(), "{broken}");
        }
    }

    #[test]
    fn without_telemetry_there_is_no_context_and_no_complaint() {
        let span = info_span!("nobody listens");
        set_parent(&span, &TraceContext { traceparent: "x".to_owned(), tracestate: String::new() });
        assert_eq!(context_of(&span), TraceContext::default());
    }
}
