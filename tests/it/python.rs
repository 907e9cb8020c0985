//! A client in another language, that has nothing of the project: it learns everything from the servers themselves.

use crate::world::World;
use anyhow::Context as _;
use serde_json::{Value, json};
use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{process::Command, time::timeout};
use tributary_testkit::Stage;

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
    let result = json!([{"event_id": format!("{profile_id}-1"), "status": "EVENT_STATUS_ACCEPTED"}]);
    assert_eq!(told["tracked"]["events"], result);
    assert_eq!(told["tracked"]["durability"], "DURABILITY_FSYNC");
    for profile in [&told["tracked"]["profile"], &told["read"]["profile"]] {
        assert_eq!((&profile["tenant"], &profile["id"]), (&json!("demo"), &json!(profile_id)));
        let purchases = &profile["fields"]["purchases"];
        assert_eq!((&purchases["count"], &purchases["total"]), (&json!(1.0), &json!(12.5)), "{profile}");
    }
}

/// The interpreter that has what the client needs.
fn interpreter(here: &Path) -> anyhow::Result<PathBuf> {
    let installed = here.join("../.tributary/tools/python/bin/python");
    let python = env::var_os("TRIBUTARY_PYTHON").map_or(installed, PathBuf::from);
    anyhow::ensure!(python.exists(), "{} is missing: `deploy/test` installs it", python.display());
    Ok(python)
}
