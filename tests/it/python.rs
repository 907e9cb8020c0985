//! A client in another language, that has nothing of the project: it learns everything from the servers themselves.

use crate::world::{World, quick};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{process::Command, time::timeout};
use tributary_testkit::{ServersOptions, Stage};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_client_in_python_tracks_and_reads_by_reflection_alone() -> anyhow::Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = interpreter(here)?;
    let World { mesh, .. } = &World::start().await?;

    let mut client = Command::new(python);
    client
        .arg(here.join("interop/track.py"))
        .args([Stage::Ingest, Stage::Collector].map(|stage| mesh.endpoint(stage).replace("http://", "")))
        .env("TRIBUTARY_WRITE_KEY", mesh.secret("TRIBUTARY_WRITE_KEY_CDNOW"))
        .env("TRIBUTARY_ADMIN_KEY", mesh.admin_key("demo"))
        // A developer's proxy has nothing to do with servers on this machine.
        .env("no_grpc_proxy", "127.0.0.1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(PATIENCE, client.output()).await.context("the client does not end")??;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));

    let told: Value = serde_json::from_str(&said).with_context(|| said.to_string())?;
    for version in ["v1", "v1alpha"] {
        check(&told[version], version);
    }
    mesh.stop().await
}

fn check(told: &Value, version: &str) {
    let of_collector = ["tributary.v1.ConfigService", "tributary.v1.ProfileService"];
    for (stage, served) in
        [("ingest", &["tributary.v1.IngestService"] as &[&str]), ("collector", &of_collector)]
    {
        assert_eq!(told["health"][stage], "SERVING", "{version}: {stage}");
        let services = told["services"][stage].as_array().expect("a list of services");
        // Each stage shows what it serves, and not all that the contract has.
        let names = services.iter().filter_map(Value::as_str);
        let ours: Vec<&str> = names.filter(|name| name.starts_with("tributary.")).collect();
        assert_eq!(ours, served, "{version}: {services:?}");
    }
    assert_eq!(told["refused"], "UNAUTHENTICATED");

    let profile_id = format!("python-{version}");
    let result = json!([{"event_id": format!("{profile_id}-1"), "status": "EVENT_STATUS_ACCEPTED", "reached": "WAIT_FOR_ACCEPTED"}]);
    assert_eq!(told["tracked"]["events"], result);
    assert_eq!(told["tracked"]["durability"], "DURABILITY_FSYNC");
    for profile in [&told["tracked"]["profile"], &told["read"]["profile"]] {
        assert_eq!((&profile["tenant"], &profile["id"]), (&json!("demo"), &json!(profile_id)));
        let purchases = &profile["fields"]["purchases"];
        assert_eq!((&purchases["count"], &purchases["total"]), (&json!(1.0), &json!(12.5)), "{profile}");
    }
}

#[tokio::test]
async fn a_client_in_python_runs_workflows_in_each_way_there_is() -> anyhow::Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = interpreter(here)?;
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("all.yaml"), WORKFLOWS)?;
    let mut options = quick(folder.path());
    options.tenants = vec!["demo".into()];
    let world = World::start_with(ServersOptions::default(), options).await?;

    let mut client = Command::new(python);
    client
        .arg(here.join("interop/run.py"))
        .arg(world.mesh.endpoint(Stage::Workflow).replace("http://", ""))
        .env("TRIBUTARY_ADMIN_KEY", world.mesh.admin_key("demo"))
        .env("no_grpc_proxy", "127.0.0.1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(PATIENCE, client.output()).await.context("the client does not end")??;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_str(&said).with_context(|| said.to_string())?;

    let workflow =
        |of: &str| told[of]["runs"].as_array().and_then(|runs| runs.last()).cloned().unwrap_or_default();
    assert_eq!((&told["dry"]["state"], &told["dry"].get("event_id")), (&json!("RUN_STATE_DRY"), &None));
    assert_eq!(told["dry"]["response"], json!({"total": 600.0}), "{}", told["dry"]);
    for of in ["described", "repeated"] {
        assert_eq!(told[of]["state"], "RUN_STATE_HANDLED", "{of}");
        assert_eq!(told[of]["response"], json!({"total": 600.0}), "{of}");
        assert_eq!(workflow(of)["workflow"], "big", "{of}: what it did is told, each time");
    }
    assert_eq!(told["repeated"]["event_id"], told["described"]["event_id"]);
    assert_eq!(
        told["stored"]["response"],
        json!({"total": 1200.0}),
        "the same event once more, as a new one"
    );
    assert_ne!(told["stored"]["event_id"], told["described"]["event_id"]);
    assert_eq!(told["profile"]["response"], json!({"hello": "big spender"}));
    assert_eq!(told["inline"]["response"], json!({"hello": "Bo"}), "{}", told["inline"]);
    assert_eq!(told["answered"]["response"], json!({"score": 7.0}), "{}", told["answered"]);
    assert_eq!(told["explained"]["recorded"], true, "{}", told["explained"]);

    world.settled().await;
    assert_eq!(world.stored_events("purchase").await?.rows, 2);
    assert_eq!(
        world.stored_events("workflow-run").await?.rows,
        1,
        "what runs for a profile alone is an event too"
    );
    assert_eq!(world.fields("ann").await?["spent"]["total"], 1200, "dry runs have left nothing");
    world.mesh.stop().await
}

const WORKFLOWS: &str = "
kind: Source
name: shop
tenant: demo
spec: {write_keys: [{env: TRIBUTARY_WRITE_KEY_SHOP}], trust_profile_ids: true}
---
kind: Fields
name: shop
tenant: demo
spec: {fields: {spent.total: counter}}
---
kind: Workflow
name: big
tenant: demo
spec:
  trigger: {events: [purchase]}
  nodes:
    - name: count
      increment: {spent.total: {expr: event.properties.value}}
      to: is-big
    - name: is-big
      if: profile.spent.total > 500
      to: {'yes': [mark, answer]}
    - name: mark
      add_segment: big
    - name: answer
      respond: {total: {expr: profile.spent.total}}
---
kind: Workflow
name: greeting
tenant: demo
spec:
  trigger: {events: [nothing-sends-this]}
  nodes:
    - name: named
      if: has(profile.traits.name)
      to: {'yes': by-name, 'no': by-segment}
    - name: by-name
      respond: {hello: {expr: profile.traits.name}}
    - name: by-segment
      has_segment: big
      to: {'yes': big}
    - name: big
      respond: {hello: big spender}
---
kind: Mapping
name: names
tenant: demo
spec:
  events: [sign-up]
  changes: [{path: traits.name, op: set, from: properties.name}]
---
kind: Workflow
name: asking
tenant: demo
spec:
  trigger: {events: [nothing-sends-this]}
  nodes:
    - name: ask
      http: {url: 'https://score.example/'}
      to: answer
    - name: answer
      respond: {score: {expr: memory.ask.body.score}}
";

/// The interpreter that has what the client needs.
fn interpreter(here: &Path) -> anyhow::Result<PathBuf> {
    let installed = here.join("../.tributary/tools/python/bin/python");
    let python = env::var_os("TRIBUTARY_PYTHON").map_or(installed, PathBuf::from);
    anyhow::ensure!(python.exists(), "{} is missing: `deploy/test` installs it", python.display());
    Ok(python)
}
