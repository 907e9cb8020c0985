//! The sink keeps what an exporter sends.

use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, trace_service_client::TraceServiceClient},
    common::v1::{AnyValue, KeyValue, any_value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span, span::Link},
};
use tributary_testkit::{OtlpSink, SpanRef};

#[tokio::test]
async fn a_span_sent_to_the_sink_is_found_with_its_service_attributes_and_links() -> anyhow::Result<()> {
    let sink = OtlpSink::start().await?;
    assert_eq!(sink.spans()?, []);
    let mut client = TraceServiceClient::connect(sink.endpoint().to_owned()).await?;
    let link = Link { trace_id: vec![3; 16], span_id: vec![4; 8], ..Link::default() };
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: "flush".into(),
        attributes: vec![text("tributary.tenant", "demo")],
        links: vec![link],
        ..Span::default()
    };
    let resource =
        Resource { attributes: vec![text("service.name", "tributary-collector")], ..Resource::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let resource_spans =
        vec![ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() }];
    client.export(ExportTraceServiceRequest { resource_spans }).await?;

    let spans = sink.trace(&"01".repeat(16))?;
    assert_eq!(spans.len(), 1);
    assert_eq!((&*spans[0].name, &*spans[0].service), ("flush", "tributary-collector"));
    assert_eq!(spans[0].parent_id, "");
    assert_eq!(spans[0].text("tributary.tenant"), Some("demo"));
    assert_eq!(spans[0].links, [SpanRef { trace_id: "03".repeat(16), span_id: "04".repeat(8) }]);
    Ok(())
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(value.into())) });
    KeyValue { key: key.into(), value, ..KeyValue::default() }
}
