//! A span as tests look at it.

use data_encoding::HEXLOWER;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value},
    trace::v1,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A finished span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// 16 hexadecimal digits; empty for the first span of a trace.
    pub parent_id: String,
    /// Such as `flush`.
    pub name: String,
    /// The process's `service.name`.
    pub service: String,
    /// Such as `SPAN_KIND_SERVER`.
    pub kind: String,
    /// Nanoseconds since 1970.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub end: u64,
    /// Whether its status is an error.
    pub failed: bool,
    /// The attributes by name.
    pub attributes: BTreeMap<String, Value>,
    /// The spans it points to beside its parent.
    pub links: Vec<SpanRef>,
    /// What happened in it, in order: the attributes of each, and its name as `name`.
    pub events: Vec<BTreeMap<String, Value>>,
}

/// The name of a span in a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanRef {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
}

impl Span {
    /// An attribute as text; none if it is missing or not text.
    #[must_use]
    pub fn text(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute)?.as_str()
    }

    pub(super) fn all(request: ExportTraceServiceRequest) -> impl Iterator<Item = Span> {
        request.resource_spans.into_iter().flat_map(|of_process| {
            let resource = attributes(of_process.resource.unwrap_or_default().attributes);
            let service = resource.get("service.name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let spans = of_process.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans);
            spans.map(move |span| Span::one(service.clone(), span))
        })
    }

    fn one(service: String, span: v1::Span) -> Span {
        let links = span.links.iter().map(|link| SpanRef {
            trace_id: HEXLOWER.encode(&link.trace_id),
            span_id: HEXLOWER.encode(&link.span_id),
        });
        let kind = span.kind().as_str_name().to_owned();
        let events = span.events.into_iter().map(|event| {
            let mut told = attributes(event.attributes);
            told.insert("name".to_owned(), event.name.into());
            told
        });
        Span {
            trace_id: HEXLOWER.encode(&span.trace_id),
            span_id: HEXLOWER.encode(&span.span_id),
            parent_id: HEXLOWER.encode(&span.parent_span_id),
            service,
            kind,
            start: span.start_time_unix_nano,
            end: span.end_time_unix_nano,
            failed: span.status.as_ref().is_some_and(|status| status.code() == v1::status::StatusCode::Error),
            links: links.collect(),
            events: events.collect(),
            name: span.name,
            attributes: attributes(span.attributes),
        }
    }
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, Value> {
    pairs.into_iter().map(|pair| (pair.key, json(pair.value))).collect()
}

fn json(value: Option<AnyValue>) -> Value {
    use any_value::Value as Any;
    match value.and_then(|value| value.value) {
        Some(Any::StringValue(text)) => text.into(),
        Some(Any::BoolValue(flag)) => flag.into(),
        Some(Any::IntValue(number)) => number.into(),
        Some(Any::DoubleValue(number)) => number.into(),
        Some(Any::ArrayValue(array)) => array.values.into_iter().map(|value| json(Some(value))).collect(),
        Some(Any::KvlistValue(list)) => attributes(list.values).into_iter().collect(),
        Some(Any::BytesValue(bytes)) => HEXLOWER.encode(&bytes).into(),
        _ => Value::Null,
    }
}
