//! The configuration changes while events arrive and stages are killed: nothing is lost, and each event is wholly under one
//! revision.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use serde_json::json;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tonic::{Code, Request};
use tributary_proto::v1::{
    ApplyRequest, ApplyResponse, Document, EventResult, EventStatus, TrackRequest,
    ingest_service_client::IngestServiceClient,
};
use tributary_testkit::{Authorised, Receiver, ServersOptions, Stage, eventually};

use crate::{
    payloads::{about, event},
    world::{SOON, World, config, quick},
};

const KEY: &str = "TRIBUTARY_WRITE_KEY_CDNOW";
/// With ten events each: 500 events a second.
const PAYLOAD_EVERY: Duration = Duration::from_millis(20);
const EVENTS_IN_PAYLOAD: u64 = 10;
const PROFILES: u64 = 50;

/// Says by its own number, in the mapping and in the workflow, who handled an event.
fn documents(revision: usize) -> String {
    format!(
        "kind: Source
name: cdnow
tenant: demo
spec:
  write_keys: [{{env: {KEY}}}]
  trust_profile_ids: true
---
kind: Fields
name: marks
tenant: demo
spec:
  fields: {{mapped: counter, run: counter, told: counter}}
---
kind: Mapping
name: purchase
tenant: demo
spec:
  events: [purchase]
  changes: [{{path: mapped.r{revision}, op: increment, value: 1}}]
---
kind: Mapping
name: counted
tenant: demo
spec:
  events: [counted]
  changes: [{{path: told.all, op: increment, value: 1}}]
---
kind: Workflow
name: count
tenant: demo
spec:
  trigger: {{events: [purchase]}}
  steps:
    - then: [{{path: run.r{revision}, op: increment, value: 1}}]
      emit: [{{type: counted}}]
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_configuration_under_load_with_each_stage_killed_loses_nothing_and_splits_no_event()
-> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("all.yaml"), documents(1))?;
    let world = World::start_with(ServersOptions::default(), quick(folder.path())).await?;

    let (stop, stopped) = watch::channel(false);
    let client = world.mesh.ingest(world.mesh.secret(KEY));
    let load = async {
        let mut running = JoinSet::new();
        let mut tick = interval(PAYLOAD_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut sent = 0;
        while !*stopped.borrow() {
            tick.tick().await;
            running.spawn(deliver(client.clone(), payload(sent)));
            sent += 1;
        }
        while let Some(delivered) = running.join_next().await {
            delivered??;
        }
        anyhow::Ok(sent * EVENTS_IN_PAYLOAD)
    };
    let changes = async {
        eventually(SOON, async || met(&world, 1).await).await;
        for (revision, stage) in (2..).zip(Stage::ALL) {
            fs::write(folder.path().join("all.yaml"), documents(revision))?;
            let applied = apply_until_everywhere(&world, folder.path());
            let killed = async {
                world.mesh.kill(stage);
                world.mesh.restart(stage).await
            };
            let (applied, ()) = tokio::try_join!(applied, killed)?;
            assert!(applied.revision.starts_with(&format!("{revision}-")), "{applied:?}");
            eventually(SOON, async || met(&world, revision).await).await;
        }
        stop.send_replace(true);
        anyhow::Ok(())
    };
    let (sent, ()) = tokio::try_join!(load, changes)?;
    world.settled().await;

    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT profile_id, split_part(revision, '-', 1), count(*) FROM events \
         WHERE tenant = 'demo' AND type = 'purchase' GROUP BY 1, 2",
    )
    .fetch_all(&world.database)
    .await?;
    let mut by_profile: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    for (profile, revision, events) in rows {
        by_profile.entry(profile).or_default().insert(format!("r{revision}"), events);
    }
    let stored: i64 = by_profile.values().flat_map(BTreeMap::values).sum();
    assert_eq!(u64::try_from(stored)?, sent, "every event has one row");
    for (profile, events) in &by_profile {
        let fields = world.stored_fields(profile).await?;
        assert_eq!(fields["mapped"], json!(events), "{profile}: the mapping of the event's own revision");
        assert_eq!(fields["run"], json!(events), "{profile}: the workflow of the event's own revision");
        assert_eq!(fields["told"]["all"], json!(events.values().sum::<i64>()), "{profile}: derived events");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_that_start_while_collector_and_postgres_are_away_run_the_last_revision() -> anyhow::Result<()>
{
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("all.yaml"), documents(1))?;
    let servers = ServersOptions { own_postgres: true, ..ServersOptions::default() };
    let world = World::start_with(servers, quick(folder.path())).await?;
    fs::write(folder.path().join("all.yaml"), documents(2))?;
    apply_until_everywhere(&world, folder.path()).await?;
    deliver(world.mesh.ingest(world.mesh.secret(KEY)), payload(0)).await?;
    world.settled().await;

    world.mesh.kill(Stage::Collector);
    world.mesh.servers().postgres().stop().await;
    for stage in [Stage::Ingest, Stage::Preprocess, Stage::Workflow, Stage::Dispatcher] {
        world.mesh.restart(stage).await?;
    }
    let mut client = world.mesh.ingest(world.mesh.secret(KEY));
    let during = about("p0", [event("during", "purchase", json!({}))]);
    let answer = client.track(during).await?.into_inner();
    assert_eq!(answer.events[0].status(), EventStatus::Accepted);
    assert!(answer.revision.starts_with("2-"), "{}", answer.revision);

    world.mesh.servers().postgres().restart().await?;
    world.mesh.restart(Stage::Collector).await?;
    world.settled().await;
    let fields = world.stored_fields("p0").await?;
    let all = EVENTS_IN_PAYLOAD + 1;
    assert_eq!((&fields["mapped"]["r2"], &fields["run"]["r2"]), (&json!(all), &json!(all)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_missing_is_named_hinders_nothing_else_and_is_found_when_it_is_there()
-> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("all.yaml"), documents(1))?;
    let secrets = tempfile::tempdir()?;
    let options = quick(folder.path()).env("TRIBUTARY_SECRETS", secrets.path().display().to_string());
    let world = World::start_with(ServersOptions::default(), options).await?;
    let (crm, mail) = (Receiver::start().await?, Receiver::start().await?);
    fs::write(folder.path().join("all.yaml"), documents(2))?;
    fs::write(folder.path().join("more.yaml"), without_secrets(&crm, &mail))?;

    let mut wanted = request(folder.path())?;
    wanted.wait = Some(prost_types::Duration { seconds: 2, nanos: 0 });
    let answer = world.mesh.configuration().apply(wanted).await?.into_inner();
    assert!(answer.revision.starts_with("2-") && !answer.everywhere, "{answer:?}");
    for stage in &answer.stages {
        let wants = match stage.stage.as_str() {
            "ingest" => "demo: Source app: environment variable KEY_OF_THE_APP is not set",
            "dispatcher" => "demo: Destination crm: environment variable TOKEN_OF_THE_CRM is not set",
            _ => "",
        };
        let names_it = stage.problem.starts_with(wants) && wants.is_empty() == stage.problem.is_empty();
        assert!(stage.revision.starts_with("2-") && names_it, "{stage:?}");
    }

    // What has all that it needs goes on, under this revision.
    let other = about("p0", [event("of-another-source", "purchase", json!({}))]);
    let answer = world.mesh.ingest(world.mesh.secret(KEY)).track(other).await?.into_inner();
    assert!(answer.revision.starts_with("2-"), "{}", answer.revision);
    received(&mail).await;
    assert_eq!(crm.requests().len(), 0);

    // Nobody applies anything again.
    fs::write(secrets.path().join("KEY_OF_THE_APP"), "a key of more than sixteen letters")?;
    fs::write(secrets.path().join("TOKEN_OF_THE_CRM"), "a token")?;
    let app = world.mesh.ingest("a key of more than sixteen letters");
    deliver(app, about("", [event("from-app", "purchase", json!({}))])).await?;
    assert_eq!(received(&crm).await.header("x-token"), Some("a token"));
    let answer = apply_until_everywhere(&world, folder.path()).await?;
    assert!(answer.changes.is_empty() && answer.revision.starts_with("2-"), "{answer:?}");
    Ok(())
}

/// A source and a destination whose secrets nobody has, and a destination that needs none.
fn without_secrets(crm: &Receiver, mail: &Receiver) -> String {
    format!(
        "kind: Source
name: app
tenant: demo
spec:
  write_keys: [{{env: KEY_OF_THE_APP}}]
---
kind: Destination
name: crm
tenant: demo
spec:
  webhook: {{url: '{}', headers: {{x-token: {{env: TOKEN_OF_THE_CRM}}}}}}
  profiles: {{quiet: 50ms, longest_wait: 1s}}
---
kind: Destination
name: mail
tenant: demo
spec:
  webhook: {{url: '{}'}}
  profiles: {{quiet: 50ms, longest_wait: 1s}}
",
        crm.url(),
        mail.url()
    )
}

async fn received(receiver: &Receiver) -> tributary_testkit::Request {
    eventually(SOON, async || receiver.requests().into_iter().next().ok_or_else(|| "no request yet".into()))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_configuration_is_refused_as_a_whole_and_another_tenants_is_out_of_reach()
-> anyhow::Result<()> {
    let world = World::start().await?;
    let folder = tempfile::tempdir()?;
    let wrong = documents(1).replace("op: increment, value: 1", "op: incremnt, value: 1");
    fs::write(folder.path().join("all.yaml"), wrong)?;
    let read = request(folder.path())?;
    let status = world.mesh.configuration().apply(read).await.expect_err("it is wrong");
    let (code, reason, paths) = crate::payloads::refusal(&status);
    assert_eq!((code, reason.as_str()), (Code::InvalidArgument, "CONFIG_INVALID"));
    assert!(paths.iter().any(|path| path.starts_with("all.yaml:")), "{paths:?}");

    let theirs = request(&config())?;
    let status = world.mesh.configuration().apply(theirs).await.expect_err("one tenant's key alone");
    assert_eq!(crate::payloads::refusal(&status).1, "TENANT_NOT_AUTHORISED");
    Ok(())
}

/// Sends until every event of the payload counts.
async fn deliver(client: IngestServiceClient<Authorised>, payload: TrackRequest) -> anyhow::Result<()> {
    eventually(SOON, || {
        let (mut client, mut request) = (client.clone(), Request::new(payload.clone()));
        request.set_timeout(Duration::from_secs(5));
        async move {
            let answer = client.track(request).await.map_err(|status| status.to_string())?.into_inner();
            let counts = |event: &EventResult| {
                matches!(event.status(), EventStatus::Accepted | EventStatus::Duplicate)
            };
            if answer.events.iter().all(counts) { Ok(()) } else { Err(format!("{:?}", answer.events)) }
        }
    })
    .await;
    Ok(())
}

fn payload(number: u64) -> TrackRequest {
    let purchase = |place| event(&format!("e{number}-{place}"), "purchase", json!({}));
    about(&format!("p{}", number % PROFILES), (0..EVENTS_IN_PAYLOAD).map(purchase))
}

/// Whether an event was stored that was processed under this revision.
async fn met(world: &World, revision: usize) -> Result<(), String> {
    let any = sqlx::query_scalar("SELECT EXISTS (SELECT FROM events WHERE revision LIKE $1)");
    match any.bind(format!("{revision}-%")).fetch_one(&world.database).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("no event met revision {revision}")),
        Err(error) => Err(error.to_string()),
    }
}

/// As a person would: again, until the answer says that it runs everywhere.
async fn apply_until_everywhere(world: &World, folder: &Path) -> anyhow::Result<ApplyResponse> {
    let wanted = request(folder)?;
    Ok(eventually(SOON, async || {
        let answer = world.mesh.configuration().apply(wanted.clone()).await;
        let answer = answer.map_err(|status| status.to_string())?.into_inner();
        if answer.everywhere { Ok(answer) } else { Err(format!("{:?}", answer.stages)) }
    })
    .await)
}

/// To apply all documents of a folder.
pub(crate) fn request(folder: &Path) -> anyhow::Result<ApplyRequest> {
    let documents = tributary_config::read_directory(folder)?.into_iter().map(|document| Document {
        tenant: document.tenant,
        kind: document.kind,
        name: document.name,
        file: document.file,
        line: document.line,
        text: document.text,
    });
    Ok(ApplyRequest { documents: documents.collect(), ..ApplyRequest::default() })
}
