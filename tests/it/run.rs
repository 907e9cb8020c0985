//! A workflow that is called directly: recorded like any event and waited for, or rehearsed and nothing written.

use std::time::Duration;

use futures::future::try_join_all;
use serde_json::{Value, json};
use tonic::{Code, Request, Status};
use tributary_proto::{
    raw::RawStruct,
    v1::{RunRequest, RunResponse, RunState, WarningCode},
};
use tributary_testkit::{ServersOptions, Signal, Stage, eventually};

use crate::{
    payloads::{about, purchase, refusal},
    several::taken,
    world::{SOON, Stored, World, config, fields, quick},
};

/// A purchase of one CD by a customer.
fn buying(call: &str, customer: &str) -> RunRequest {
    RunRequest {
        request_id: call.into(),
        source: "cdnow".into(),
        event_type: "purchase".into(),
        properties: json!({"cds": 1, "value": 10.0}).as_object().map(RawStruct::from_object),
        profile_id: customer.into(),
        ..RunRequest::default()
    }
}

async fn run(world: &World, request: RunRequest, patience: Duration) -> Result<RunResponse, Status> {
    let mut request = Request::new(request);
    request.set_timeout(patience);
    Ok(world.mesh.workflows().run(request).await?.into_inner())
}

fn points(answer: &RunResponse) -> anyhow::Result<Value> {
    let profile = answer.profile.as_ref().ok_or_else(|| anyhow::anyhow!("no profile"))?;
    Ok(fields(profile)?["loyalty"]["points"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_answered_once_its_workflows_have_run_and_counts_once() -> anyhow::Result<()> {
    let world = World::start().await?;
    for (call, expected) in [("call-1", Value::Null), ("call-2", Value::Null), ("call-3", json!(100))] {
        let answer = run(&world, buying(call, "ann"), SOON).await?;
        assert_eq!(answer.state(), RunState::Handled);
        assert_eq!(points(&answer)?, expected, "after {call}");
        assert!(!answer.revision.is_empty());
        let ran: Vec<_> = answer.runs.iter().map(|run| run.workflow.as_str()).collect();
        let expected: &[&str] = if call == "call-3" { &["loyal-customer"] } else { &[] };
        assert_eq!(ran, expected, "after {call}");
    }

    // The answer was lost, or did not come in time: the same call again, from several places at once.
    let first = run(&world, buying("call-3", "ann"), SOON).await?;
    let again = try_join_all((0..8).map(|_| run(&world, buying("call-3", "ann"), SOON))).await?;
    assert!(
        again.iter().all(|answer| (answer.event_id.as_str(), answer.state())
            == (first.event_id.as_str(), RunState::Handled))
    );
    let at_once = try_join_all((0..8).map(|_| run(&world, buying("call-4", "ann"), SOON))).await?;
    assert!(at_once.iter().all(|answer| answer.event_id == at_once[0].event_id));
    world.settled().await;
    assert_eq!(world.stored_events("purchase").await?, Stored { rows: 4, ids: 4, profiles: 1 });
    assert_eq!(world.fields("ann").await?["purchases"]["count"], 4);
    assert_eq!(world.fields("ann").await?["loyalty"]["told"], 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_what_would_happen_and_an_import_is_there_without_it() -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut import = about("ann", (1..=3).map(|number| purchase(&format!("old-{number}"), 10.0)));
    import.options.get_or_insert_default().historical = true;
    world.mesh.ingest(world.mesh.secret("TRIBUTARY_WRITE_KEY_CDNOW")).track(import).await?;
    world.settled().await;
    let imported = world.fields("ann").await?;
    assert_eq!(imported["purchases"]["count"], 3, "folded");
    assert_eq!(imported.get("loyalty"), None, "and no workflow ran");
    assert_eq!(world.stored_events("purchase").await?, Stored { rows: 3, ids: 3, profiles: 1 });

    let dry = RunRequest { dry_run: true, ..buying("", "ann") };
    let answer = run(&world, dry.clone(), SOON).await?;
    assert_eq!((answer.state(), answer.event_id.as_str()), (RunState::Dry, ""));
    let [would] = answer.runs.as_slice() else { anyhow::bail!("{:?}", answer.runs) };
    assert_eq!((would.workflow.as_str(), would.failure.as_str()), ("loyal-customer", ""));
    assert_eq!(would.nodes[0].node, "welcome");
    assert_eq!(would.emits, ["became-loyal"]);
    assert_eq!(points(&answer)?, 100);

    let nobody = run(&world, RunRequest { profile_id: "nobody".into(), ..dry.clone() }, SOON).await?;
    assert!(nobody.runs.is_empty(), "its trigger's condition does not hold");
    let misspelt = RunRequest { workflow: "loyal".into(), ..dry };
    let refused = run(&world, misspelt, SOON).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::NotFound, "WORKFLOW_UNKNOWN".into(), vec!["workflow".into()]));
    world.settled().await;
    assert_eq!(world.fields("ann").await?, imported, "nothing was written");
    assert_eq!(world.stored_events("purchase").await?.rows, 3);

    // What happens now is no import: the workflow sees the whole profile.
    let live = run(&world, buying("call-1", "ann"), SOON).await?;
    assert_eq!((live.state(), points(&live)?), (RunState::Handled, json!(100)));
    Ok(())
}

/// With the example's documents: Schemas, Mappings, and workflows that build on what those make of the event.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_the_real_run_then_does() -> anyhow::Result<()> {
    let mut options = quick(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/example"));
    options.tenants = vec!["demo".into()];
    let world = World::start_with(ServersOptions::default(), options).await?;
    let time = prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 };
    let asked = |source: &str, profile: &str, properties: Value| RunRequest {
        source: source.into(),
        event_type: "purchase".into(),
        properties: properties.as_object().map(RawStruct::from_object),
        profile_id: profile.into(),
        session_id: format!("session-of-{profile}-at-{source}"),
        time: Some(time),
        ..RunRequest::default()
    };
    let mut segments = Vec::new();
    for (call, source, profile, properties, warned) in [
        ("call-1", "cdnow", "0777", json!({"value": 600}), vec![]),
        ("call-2", "cdnow", "0777", json!({"value": "20.5", "cds": 2}), vec![]),
        ("call-3", "cdnow", "0777", json!({"value": 1, "categories": ["Jazz"]}), vec![]),
        (
            "call-4",
            "website",
            "0777",
            json!({"value": 600}),
            vec![(WarningCode::ProfileReplaced, "profile_id")],
        ),
        (
            "call-5",
            "cdnow",
            "0778",
            json!({"cds": 1}),
            vec![(WarningCode::SchemaViolated, "properties.value")],
        ),
        ("call-6", "cdnow", "0778", json!({"value": "much"}), vec![(WarningCode::MappingFailed, ""); 2]),
    ] {
        let real = RunRequest { request_id: call.into(), ..asked(source, profile, properties) };
        let dry = RunRequest { dry_run: true, request_id: String::new(), ..real.clone() };
        let before = world.fields("0777").await.ok();
        let would = run(&world, dry.clone(), SOON).await?;
        world.settled().await;
        assert_eq!(world.fields("0777").await.ok(), before, "{call}: nothing is written");
        let done = run(&world, real.clone(), SOON).await?;
        assert_eq!((would.state(), done.state()), (RunState::Dry, RunState::Handled), "{call}");

        let shown = |answer: &RunResponse| {
            let profile = answer.profile.clone().unwrap_or_default();
            anyhow::Ok((profile.id.clone(), fields(&profile)?))
        };
        assert_eq!(shown(&would)?, shown(&done)?, "{call}");
        assert_eq!((&would.warnings, &would.revision), (&done.warnings, &done.revision), "{call}");
        let told: Vec<_> = would.warnings.iter().map(|told| (told.code(), told.path.as_str())).collect();
        assert_eq!(told, warned, "{call}: {:?}", would.warnings);
        let ran = would.runs.iter().any(|run| run.event_type == "purchase");
        assert_eq!(ran, call != "call-5", "{call}: {:?}", would.runs);
        segments.push(shown(&done)?.1["segments"].clone());

        // What has been recorded would change nothing.
        let again = RunRequest { request_id: call.into(), ..dry };
        let would = run(&world, again, SOON).await?;
        assert_eq!((would.runs.len(), shown(&would)?.1), (0, shown(&done)?.1), "{call}, again");
    }
    assert_eq!(segments[0], json!({"big_spender": true}));
    assert_eq!(segments[2], json!({"big_spender": true, "loyal": true}));

    let open = RunRequest { dry_run: true, source: String::new(), ..asked("", "0777", json!({"value": 1})) };
    let refused = run(&world, open, SOON).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::InvalidArgument, "SOURCE_REQUIRED".into(), vec!["source".into()]));
    assert!(refused.message().contains("cdnow, website"), "{refused}");
    // A type that no document names is one all the same.
    let unnamed = RunRequest { event_type: "Any Type".into(), ..buying("call-7", "0779") };
    let unnamed = run(&world, unnamed, SOON).await?;
    assert_eq!((unnamed.state(), unnamed.warnings.len()), (RunState::Handled, 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_run_is_refused_with_its_reason() -> anyhow::Result<()> {
    let world = World::start().await?;
    let asked = buying("call", "ann");
    for (request, code, reason, path) in [
        (buying("", "ann"), Code::InvalidArgument, "REQUEST_ID_REQUIRED", "request_id"),
        (
            RunRequest { event_type: String::new(), ..asked.clone() },
            Code::InvalidArgument,
            "EVENT_TYPE_REQUIRED",
            "event_type",
        ),
        (
            RunRequest { event_type: "a\nb".into(), ..asked.clone() },
            Code::InvalidArgument,
            "INVALID_TYPE",
            "event_type",
        ),
        (buying("call", ""), Code::InvalidArgument, "PROFILE_REQUIRED", "profile_id"),
        (
            RunRequest { source: "blog".into(), dry_run: true, ..asked.clone() },
            Code::NotFound,
            "SOURCE_UNKNOWN",
            "source",
        ),
    ] {
        let refused = run(&world, request, SOON).await.unwrap_err();
        assert_eq!(refusal(&refused), (code, reason.to_owned(), vec![path.to_owned()]));
    }
    let other = RunRequest { source: "blog".into(), ..asked.clone() };
    let refused = run(&world, other, SOON).await.unwrap_err();
    assert_eq!((refused.code(), refusal(&refused).1.as_str()), (Code::NotFound, "SOURCE_UNKNOWN"));
    let broken = json!({"value": "x\u{0}"});
    let broken = RunRequest { properties: broken.as_object().map(RawStruct::from_object), ..asked.clone() };
    let refused = run(&world, broken, SOON).await.unwrap_err();
    assert_eq!(
        refusal(&refused),
        (Code::InvalidArgument, "EVENT_INVALID".into(), vec!["properties.value".into()])
    );

    use tributary_proto::v1::workflow_service_client::WorkflowServiceClient;
    let mut stranger = WorkflowServiceClient::new(world.mesh.channel(Stage::Workflow));
    assert_eq!(stranger.run(asked).await.unwrap_err().code(), Code::Unauthenticated);
    world.settled().await;
    assert_eq!(world.stored_events("purchase").await?.rows, 0);
    Ok(())
}

/// The event's owner may be another process, and that one may hang.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_answered_in_time_is_told_and_finds_the_same_event_later() -> anyhow::Result<()> {
    let options =
        quick(config()).env("TRIBUTARY_LEASE", "12s").env("TRIBUTARY_LOG", "info,tributary_streams=debug");
    let world = World::start_with(ServersOptions::default(), options).await?;
    let other = world.mesh.another(Stage::Workflow).await?;
    eventually(SOON, async || match taken(&other.log(100_000)).len() {
        16.. => Ok(()),
        fewer => Err(format!("the second process has taken {fewer} of 32 partitions")),
    })
    .await;

    other.signal(Signal::SIGSTOP);
    let patience = Duration::from_secs(2);
    let customers: Vec<String> = (0..24).map(|number| format!("p{number}")).collect();
    let runs =
        customers.iter().map(|customer| run(&world, buying(&format!("call-{customer}"), customer), patience));
    let answers = try_join_all(runs).await?;
    let late = |answer: &&RunResponse| answer.state() == RunState::TimedOut;
    let number = answers.iter().filter(late).count();
    assert!((1..customers.len()).contains(&number), "{number} runs were late");
    assert!(answers.iter().all(|answer| late(&answer) || answer.state() == RunState::Handled));

    other.signal(Signal::SIGCONT);
    for (customer, before) in customers.iter().zip(&answers) {
        let answer = run(&world, buying(&format!("call-{customer}"), customer), SOON).await?;
        assert_eq!((answer.state(), &answer.event_id), (RunState::Handled, &before.event_id));
    }
    world.settled().await;
    assert_eq!(world.stored_events("purchase").await?, Stored { rows: 24, ids: 24, profiles: 24 });
    Ok(())
}
