//! One trace follows an event, from its caller's span to the last delivery, through calls, streams, batches and timers.

use crate::{
    payloads::event,
    world::{SOON, World, quick},
};
use serde_json::json;
use std::path::Path;
use tonic::Request;
use tributary_proto::v1::{EventStatus, TrackRequest};
use tributary_runtime::telemetry::names;
use tributary_testkit::{
    OtlpSink, Receiver, Request as HttpRequest, ServersOptions, Span, Stage, eventually,
};

mod spans;

use spans::{SERVER, Tree};

/// Two spans of callers: one is recorded by its caller, the other is not.
const RECORDED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const SILENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// A sign-up changes the profile by a mapping and by a workflow, which also makes an event with a mapping of its own.
const CONFIG: &str = "
kind: Source
name: shop
tenant: demo
spec: {write_keys: [{env: SHOP_KEY}], trust_profile_ids: true}
---
kind: Mapping
name: sign-up
tenant: demo
spec:
  events: [sign-up]
  changes: [{path: traits.name, op: set, from: properties.name}]
---
kind: Workflow
name: welcome
tenant: demo
spec:
  trigger: {events: [sign-up]}
  nodes:
    - name: named
      if: has(event.properties.name)
      to: {'yes': ask}
    - name: ask
      http: {url: 'ASKED'}
      to: member
    - name: member
      set: {traits.member: true}
      to: tell
    - name: tell
      emit: {type: welcomed, properties: {name: {expr: event.properties.name}}}
---
kind: Mapping
name: welcomed
tenant: demo
spec:
  events: [welcomed]
  changes: [{path: traits.welcomed, op: set, from: properties.name}]
---
kind: Destination
name: crm
tenant: demo
spec:
  webhook: {url: 'URL'}
  profiles: {quiet: 300ms, longest_wait: 10s}
";

#[tokio::test]
async fn one_trace_follows_an_event_from_its_caller_to_the_last_delivery() -> anyhow::Result<()> {
    let (sink, receiver, asked) =
        (OtlpSink::start().await?, Receiver::start().await?, Receiver::start().await?);
    let config = tempfile::tempdir()?;
    std::fs::write(
        config.path().join("all.yaml"),
        CONFIG.replace("URL", &receiver.url()).replace("ASKED", &asked.url()),
    )?;
    let world = start(config.path(), &sink, asked.port()).await?;

    sign_up(&world, "quiet", SILENT).await?;
    sign_up(&world, "loud", RECORDED).await?;
    for profile in ["quiet", "loud"] {
        delivered(&receiver, profile).await;
    }
    world.settled().await;
    // The last spans leave a stage when it stops.
    world.mesh.stop().await?;

    let (recorded, silent) = (Parent::read(RECORDED), Parent::read(SILENT));
    let all = sink.spans()?;
    let tree = Tree::of(&all, &recorded.trace, &recorded.span);
    tree.assert_every_span_is_where_it_belongs();
    tree.assert_batches_are_linked(&all);
    tree.assert_attributes();
    for request in requests(&receiver, "loud") {
        let parent = Parent::of(&request);
        assert_eq!((&parent.trace, &*parent.flags), (&recorded.trace, "01"));
        assert_eq!(tree.span(&parent.span).name, names::DELIVER, "a request is made by a delivery");
    }
    assert_a_derived_event_is_in_it(&tree);
    let calls = asked.requests().into_iter().map(|request| Parent::of(&request));
    for parent in calls.filter(|parent| parent.trace == recorded.trace) {
        assert_eq!(tree.span(&parent.span).name, names::CALL, "a workflow's request is made by a call");
    }
    assert_nodes_are_told(&tree);

    for request in requests(&receiver, "quiet") {
        let parent = Parent::of(&request);
        assert_eq!((&parent.trace, &*parent.flags), (&silent.trace, "00"), "carried on, and not recorded");
    }
    let begun_here = all.iter().filter(|span| span.trace_id != recorded.trace);
    let wrong: Vec<_> = begun_here.filter(|span| span.name != names::FLUSH && span.kind != SERVER).collect();
    assert_eq!(wrong, Vec::<&Span>::new(), "only flushes and calls without a trace begin one");
    assert_eq!(sink.trace(&silent.trace)?, []);
    Ok(())
}

/// The event that the workflow made was processed below the span in which it was made.
fn assert_a_derived_event_is_in_it(tree: &Tree<'_>) {
    let made: Vec<_> = tree
        .named(names::SEND_EVENTS)
        .filter(|sent| tree.ancestors(sent).any(|span| span.name == names::SEND_CHANGES))
        .collect();
    assert_eq!(made.len(), 1, "{made:#?}");
    let mut handled = tree.named(names::PROCESS_EVENTS).filter(|span| span.parent_id == made[0].span_id);
    let derived = handled.next().and_then(|span| span.text(names::EVENT_ID)).expect("it was handled");
    assert_ne!(derived, "sign-up-loud");
    let cause =
        tree.ancestors(made[0]).find(|span| span.name == names::PROCESS_EVENTS).expect("an event made it");
    assert_eq!(cause.text(names::EVENT_ID), Some("sign-up-loud"));
}

/// What the run came to at each node, in the run's span; nothing of what the event says.
fn assert_nodes_are_told(tree: &Tree<'_>) {
    let [run] = &*tree.named(names::RUN_WORKFLOW).collect::<Vec<_>>() else { panic!("one run") };
    let nodes: Vec<(&str, &str)> = run
        .events
        .iter()
        .filter(|event| event["name"] == names::NODE_EVENT)
        .filter_map(|event| Some((event[names::NODE].as_str()?, event[names::NODE_PORT].as_str()?)))
        .collect();
    let expected = [("named", "yes"), ("ask", ""), ("ask", "done"), ("member", "done"), ("tell", "done")];
    assert_eq!(nodes, expected, "{run:#?}");
    assert!(!format!("{run:?}").contains("Ada"), "{run:#?}");
    let call = tree.named(names::CALL).next().expect("there is a call");
    assert!(run.start <= call.start && call.end <= run.end, "the call lies within the run");
}

async fn start(config: &Path, sink: &OtlpSink, allowed: u16) -> anyhow::Result<World> {
    let allowed = format!("127.0.0.1:{allowed}");
    let options =
        quick(config).stage_env(Stage::Workflow, "TRIBUTARY_WORKFLOW__CALLS__ALLOWED_HOSTS", allowed);
    World::start_with(ServersOptions::default(), options.otlp(sink.endpoint())).await
}

async fn sign_up(world: &World, profile: &str, traceparent: &str) -> anyhow::Result<()> {
    let mut request = Request::new(TrackRequest {
        profile_id: profile.into(),
        session_id: format!("session-of-{profile}"),
        events: vec![event(&format!("sign-up-{profile}"), "sign-up", json!({"name": "Ada"}))],
        ..TrackRequest::default()
    });
    request.metadata_mut().insert("traceparent", traceparent.parse()?);
    let answer = world.mesh.ingest(world.mesh.secret("SHOP_KEY")).track(request).await?.into_inner();
    assert_eq!(answer.events[0].status(), EventStatus::Accepted);
    Ok(())
}

/// Waits until the destination has what the derived event changed, which comes last.
async fn delivered(receiver: &Receiver, profile: &str) {
    eventually(SOON, async || {
        let last = requests(receiver, profile).pop();
        let traits =
            last.map(|request| request.json["profile"]["fields"]["traits"].clone()).unwrap_or_default();
        if traits == json!({"name": "Ada", "member": true, "welcomed": "Ada"}) {
            Ok(())
        } else {
            Err(traits.to_string())
        }
    })
    .await;
}

fn requests(receiver: &Receiver, profile: &str) -> Vec<HttpRequest> {
    let requests = receiver.requests();
    requests.into_iter().filter(|request| request.json["profile"]["id"] == profile).collect()
}

/// What a traceparent says.
struct Parent {
    trace: String,
    span: String,
    flags: String,
}

impl Parent {
    fn of(request: &HttpRequest) -> Parent {
        Parent::read(request.header("traceparent").expect("every request carries its trace"))
    }

    fn read(traceparent: &str) -> Parent {
        let mut fields = traceparent.split('-').skip(1).map(str::to_owned);
        let mut next = || fields.next().expect("a traceparent has four fields");
        Parent { trace: next(), span: next(), flags: next() }
    }
}
