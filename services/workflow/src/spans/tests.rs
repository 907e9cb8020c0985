use super::*;
use crate::desk::Resumed;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use std::sync::{Arc, Mutex};
use tracing_subscriber::layer::SubscriberExt as _;
use tributary_config::{Config, Workflow};
use tributary_engine::{NodeRecord, RunState};
use tributary_model::TraceContext;
use tributary_proto::v1;

#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

/// The spans of what is done.
fn recorded(work: impl FnOnce()) -> impl Fn(&str) -> SpanData {
    let kept = Kept::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("tests"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    move |name| kept.0.lock().unwrap().iter().find(|span| span.name == name).unwrap().clone()
}

fn workflow() -> Workflow {
    let documents = "kind: Source\nname: web\nspec: {write_keys: [{env: KEY}]}\n---\nkind: Workflow\nname: w\nspec:\n  \
                     trigger: {events: [buy]}\n  nodes: [{name: ask, stop: {}}]\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("all.yaml"), documents).unwrap();
    let config = Config::load(folder.path()).unwrap_or_else(|errors| panic!("{errors}"));
    config.tenants.into_values().next().unwrap().workflows.remove(0)
}

fn event(id: &str) -> Subject {
    let (tenant, profile_id) = ("default".into(), "ann".into());
    Subject::of(v1::Event { tenant, id: id.into(), profile_id, ..v1::Event::default() }).unwrap()
}

fn outcome(ending: Ending) -> RunOutcome {
    let asked =
        NodeRecord { node: "ask".into(), kind: "if", port: Some("yes".into()), ..NodeRecord::default() };
    let waits = NodeRecord { node: "wait".into(), kind: "pause", ..NodeRecord::default() };
    RunOutcome {
        workflow: "w".into(),
        event: EventId::new("old").unwrap(),
        resumed: None,
        changes: Vec::new(),
        emits: Vec::new(),
        deliveries: Vec::new(),
        response: serde_json::Map::new(),
        ending,
        state: RunState::default(),
        records: vec![asked, waits],
    }
}

#[test]
fn a_run_is_a_span_with_what_its_nodes_did_and_calls_lie_in_it() {
    let (workflow, event) = (workflow(), event("old"));
    let span = recorded(|| {
        tracing::info_span!("process").in_scope(|| {
            let caller = Caller { workflow: &workflow, event: &event, resumed: None };
            let mut spans = Spans::default();
            spans.of(&caller, &event).in_scope(|| drop(tracing::info_span!("call")));
            spans.end(&outcome(Ending::Failed("no".into())), Some(&caller), &event);
        });
    });
    let (process, run, call) = (span("process"), span(names::RUN_WORKFLOW), span("call"));
    assert_eq!(run.parent_span_id, process.span_context.span_id());
    assert_eq!(call.parent_span_id, run.span_context.span_id());
    let nodes: Vec<Vec<String>> = run
        .events
        .iter()
        .filter(|event| event.name == names::NODE_EVENT)
        .map(|event| event.attributes.iter().map(|attribute| attribute.value.to_string()).collect())
        .collect();
    assert_eq!(nodes, [["ask", "if", "yes"], ["wait", "pause", ""]]);
    let said = |name: &str| {
        let found = run.attributes.iter().find(|attribute| attribute.key.as_str() == name);
        found.map(|attribute| attribute.value.to_string())
    };
    assert_eq!(
        (said(names::OUTCOME).as_deref(), said(names::WORKFLOW).as_deref()),
        (Some("failed"), Some("w"))
    );
}

#[test]
fn a_run_that_goes_on_lies_in_its_own_events_trace_and_names_the_event_that_made_it() {
    let (workflow, old, new) = (workflow(), event("old"), event("new"));
    let trace = TraceContext {
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
        ..TraceContext::default()
    };
    let span = recorded(|| {
        tracing::info_span!("process").in_scope(|| {
            let resumed = Some(Resumed { timer: "t", trace: &trace });
            let caller = Caller { workflow: &workflow, event: &old, resumed };
            Spans::default().end(&outcome(Ending::Done), Some(&caller), &new);
        });
    });
    let (process, run) = (span("process"), span(names::RUN_WORKFLOW));
    assert_eq!(run.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    let links: Vec<_> = run.links.iter().map(|link| link.span_context.span_id()).collect();
    assert_eq!(links, [process.span_context.span_id()]);
}
