//! The built command, sending the real purchases, and all that the mesh then knows of the customers.

use std::{collections::BTreeMap, process::Stdio};

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;
use tokio::process::{Child, Command};
use tributary_testkit::{Stage, program};

use crate::{
    customers::{Customer, FILE},
    world::World,
};

/// What `tributary send` reports.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) accepted: i64,
    pub(crate) duplicate: i64,
    pub(crate) invalid: i64,
    pub(crate) failed: i64,
    pub(crate) retries: i64,
}

/// Starts `tributary send` with the whole file.
pub(crate) fn start(world: &World, arguments: &[&str]) -> anyhow::Result<Child> {
    let mut command = Command::new(program("tributary")?);
    command.args(["send", FILE, "--json"]).args(arguments);
    command.env("TRIBUTARY_INGEST_URL", world.mesh.endpoint(Stage::Ingest));
    command.env("TRIBUTARY_WRITE_KEY_CDNOW", world.mesh.secret("TRIBUTARY_WRITE_KEY_CDNOW"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().context("tributary send")
}

/// Waits until everything was answered.
pub(crate) async fn finish(sending: Child) -> anyhow::Result<Sent> {
    let output = sending.wait_with_output().await?;
    let (said, complaints) = (String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr));
    anyhow::ensure!(output.status.success(), "tributary send: {}: {said}{complaints}", output.status);
    let report: Value = serde_json::from_str(&said)?;
    let count = |name: &str| report[name].as_i64().with_context(|| format!("no {name} in {said}"));
    Ok(Sent {
        accepted: count("accepted")?,
        duplicate: count("duplicate")?,
        invalid: count("invalid")?,
        failed: count("failed")?,
        retries: count("retries")?,
    })
}

/// All customers as their rows show them.
pub(crate) async fn stored_customers(world: &World) -> anyhow::Result<BTreeMap<String, Customer>> {
    let rows: Vec<(String, Value)> = sqlx::query_as("SELECT id, fields FROM profiles WHERE tenant = 'demo'")
        .fetch_all(&world.database)
        .await?;
    rows.into_iter().map(|(id, fields)| Ok((id, Customer::from_fields(&fields)?))).collect()
}

/// These customers as the mesh answers them.
pub(crate) async fn answered_customers(
    world: &World,
    ids: impl IntoIterator<Item = &String>,
) -> anyhow::Result<BTreeMap<String, Customer>> {
    let asked = ids.into_iter().map(|id| async move {
        let customer = Customer::from_fields(&world.fields(id).await?)?;
        anyhow::Ok((id.clone(), customer))
    });
    stream::iter(asked).buffer_unordered(16).try_collect().await
}
