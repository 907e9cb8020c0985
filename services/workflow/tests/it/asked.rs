//! Runs that are asked for and recorded nowhere, and what is told of those that were.

use serde_json::{Value, json};
use tonic::Code;
use tributary_proto::raw::RawStruct;
use tributary_proto::v1;
use tributary_storage::Storage;
use tributary_streams::Awaited;
use tributary_testkit::Servers;
use tributary_workflow::Settings;
use tributary_workflow::settings::KeepRuns;

use crate::stage::{Event, NO_DATABASE, PARTITIONS, Running, event, workflow};

fn documents() -> String {
    workflow(
        "loyal",
        "buy",
        &[
            "{name: ask, http: {url: 'https://example.com/'}, to: {done: gold, error: plain}}",
            "{name: gold, if: memory.ask.body.gold, to: {yes: tell}}",
            "{name: tell, respond: {points: {expr: profile.count}}}",
            "{name: plain, set: {last: nobody}}",
        ],
    )
}

fn document(value: Value) -> Option<RawStruct> {
    value.as_object().map(RawStruct::from_object)
}

fn inline() -> v1::RunRequest {
    v1::RunRequest {
        dry_run: true,
        event_type: "buy".into(),
        profile: document(json!({"count": 7})),
        answers: document(json!({"ask": {"body": {"gold": true}}})),
        ..v1::RunRequest::default()
    }
}

#[tokio::test]
async fn a_dry_run_on_a_profile_that_is_given_reads_nothing_and_calls_nobody() {
    let stage = Running::start(&documents()).await;
    let answer = stage.client().run(inline()).await.unwrap().into_inner();
    assert_eq!(answer.state(), v1::RunState::Dry);
    assert_eq!(answer.response.unwrap().to_object().unwrap()["points"], 7);
    let unanswered = v1::RunRequest { answers: None, ..inline() };
    let answer = stage.client().run(unanswered).await.unwrap().into_inner();
    let nodes = &answer.runs[0].nodes;
    assert!(nodes.iter().any(|node| node.node == "ask" && node.port == "error"), "{nodes:?}");
    assert_eq!(answer.profile.unwrap().fields.unwrap().to_object().unwrap()["last"], "nobody");
    let by_name = v1::RunRequest { event_type: String::new(), workflow: "loyal".into(), ..inline() };
    let answer = stage.client().run(by_name).await.unwrap().into_inner();
    assert_eq!(answer.runs[0].event_type, "workflow-run");
    let unknown = v1::RunRequest { workflow: "other".into(), ..inline() };
    let refused = stage.client().run(unknown).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound, "{refused}");
}

#[tokio::test]
async fn an_event_is_explained_by_what_took_place_where_that_is_kept_and_else_by_what_would() {
    let notes = workflow("notes", "look", &["{name: note, set: {last: {expr: event.properties.x}}}"]);
    let settings = Settings { keep_runs: KeepRuns::Awaited, ..Settings::default() };
    let stage = Running::start_as(&notes, NO_DATABASE, settings).await;
    for (id, awaited) in [("kept", Awaited::Runs), ("plain", Awaited::No)] {
        stage.append(Event { awaited, properties: json!({"x": 1}), ..event(id, "look", "ann") }).await;
        stage.handled("ann", id).await;
    }
    for (id, recorded) in [("kept", true), ("plain", false)] {
        let request = v1::ExplainRequest {
            event_id: id.into(),
            profile_id: "ann".into(),
            ..v1::ExplainRequest::default()
        };
        let told = stage.client().explain(request).await.unwrap().into_inner();
        assert_eq!((told.recorded, told.event_type.as_str()), (recorded, "look"));
        let node = &told.runs[0].nodes[0];
        assert_eq!((node.node.as_str(), node.changes), ("note", 1));
    }
    let nothing = stage.client().explain(v1::ExplainRequest::default()).await.unwrap_err();
    assert_eq!(nothing.code(), Code::InvalidArgument);
    let described = v1::ExplainRequest {
        run: Some(v1::RunRequest {
            event_type: "look".into(),
            profile: document(json!({})),
            ..v1::RunRequest::default()
        }),
        ..v1::ExplainRequest::default()
    };
    let told = stage.client().explain(described).await.unwrap().into_inner();
    let node = &told.runs[0].nodes[0];
    assert_eq!(node.changes, 0, "{node:?}");
    assert!(node.refused.iter().any(|told| told.contains("event.properties.x")), "{node:?}");
}

#[tokio::test]
async fn what_took_place_for_an_event_that_nobody_waited_for_is_explained_without_its_values() {
    let waits = workflow(
        "notes",
        "look",
        &[
            "{name: wait, wait_for: {event: buy, within: 1h}, to: note}",
            "{name: note, set: {last: {expr: event.properties.x}}}",
        ],
    );
    let stage = Running::start(&waits).await;
    for (id, event_type) in [("first", "look"), ("second", "buy")] {
        stage.append(Event { properties: json!({"x": 1}), ..event(id, event_type, "ann") }).await;
        stage.handled("ann", id).await;
    }
    let explain = async |id: &str| {
        let request = v1::ExplainRequest {
            event_id: id.into(),
            profile_id: "ann".into(),
            ..v1::ExplainRequest::default()
        };
        stage.client().explain(request).await.unwrap().into_inner()
    };
    let first = explain("first").await;
    assert!(first.recorded && first.without_values);
    assert_eq!(first.runs[0].state(), v1::WorkflowRunState::Paused);
    let second = explain("second").await;
    let run = &second.runs[0];
    assert!(second.recorded && run.resumed && run.event_id == "first", "{second:?}");
    assert_eq!((run.changes[0].path.as_str(), run.changes[0].value.is_none()), ("last", true));
}

#[tokio::test]
async fn what_is_explained_sees_the_past_up_to_its_event() {
    let servers = Servers::start().await.unwrap();
    let storage = Storage::connect_lazy(servers.database_url(), 1).unwrap();
    storage.ensure_deployment(PARTITIONS).await.unwrap();
    let counts = workflow(
        "velocity",
        "pay",
        &[
            "{name: paid, count: {events: [pay], within: 1h}, to: tell}",
            "{name: tell, respond: {payments: {expr: memory.paid}}}",
        ],
    );
    let settings = Settings { keep_runs: KeepRuns::Awaited, ..Settings::default() };
    let stage = Running::start_as(&counts, servers.database_url(), settings).await;
    for id in ["one", "two", "three"] {
        stage.append(event(id, "pay", "ann")).await;
        stage.handled("ann", id).await;
    }
    let request = |id: &str| v1::ExplainRequest {
        event_id: id.into(),
        profile_id: "ann".into(),
        ..v1::ExplainRequest::default()
    };
    for (id, payments) in [("two", 2), ("three", 3)] {
        let told = stage.client().explain(request(id)).await.unwrap().into_inner();
        assert!(!told.recorded);
        assert_eq!(told.response.unwrap().to_object().unwrap()["payments"], payments, "{:?}", told.runs);
    }
}
