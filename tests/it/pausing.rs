//! Runs that pause go on once each, whatever dies meanwhile, and under the revision that they began with.

use std::{fs, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;
use tributary_testkit::{ServersOptions, Stage, eventually};

use crate::{
    applying::request,
    payloads::{about, event},
    world::{SOON, Stored, World, quick},
};

const KEY: &str = "TRIBUTARY_WRITE_KEY_SHOP";
/// Runs that one profile has; a payload brings all of them.
const OF_ONE: usize = 50;

fn documents(pause: &str, mark: &str) -> String {
    format!(
        "kind: Source
name: shop
tenant: demo
spec:
  write_keys: [{{env: {KEY}}}]
  trust_profile_ids: true
---
kind: Fields
name: shop
tenant: demo
spec:
  fields: {{began: counter, resumed: counter, told: counter}}
---
kind: Mapping
name: told
tenant: demo
spec:
  events: [pause-over]
  changes: [{{path: told.all, op: increment, value: 1}}]
---
kind: Workflow
name: patient
tenant: demo
spec:
  trigger: {{events: [begin]}}
  nodes:
    - name: begin
      increment: {{began.all: 1}}
      to: rest
    - name: rest
      pause: {pause}
      to: go-on
    - name: go-on
      increment: {{resumed.{mark}: 1}}
      to: is-last
    - name: is-last
      if: event.properties.last
      to: {{'yes': tell}}
    - name: tell
      emit: {{type: pause-over}}
---
kind: Workflow
name: waiting
tenant: demo
spec:
  trigger: {{events: [basket]}}
  nodes:
    - name: order
      wait_for: {{event: order, where: event.properties.basket == 7, within: 1h}}
      to: {{event: ordered}}
    - name: ordered
      increment: {{resumed.order: 1}}
"
    )
}

/// The folder is to outlive the mesh: a process that starts again looks for it.
async fn world(pause: &str) -> anyhow::Result<(World, TempDir)> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("all.yaml"), documents(pause, "first"))?;
    let mut options = quick(folder.path());
    options.tenants = vec!["demo".into()];
    Ok((World::start_with(ServersOptions::default(), options).await?, folder))
}

/// One payload for each profile: so many runs that pause.
async fn begin(world: &World, profile: usize, runs: usize) -> anyhow::Result<()> {
    let events = (0..runs)
        .map(|number| event(&format!("{profile}-{number}"), "begin", json!({"last": number + 1 == runs})));
    let payload = about(&format!("p{profile}"), events);
    let mut client = world.mesh.ingest(world.mesh.secret(KEY));
    client.track(payload).await?;
    Ok(())
}

/// How many runs went on, as Postgres has it.
async fn resumed(world: &World) -> anyhow::Result<i64> {
    let sum = "SELECT coalesce(sum((fields->'resumed'->>'first')::bigint), 0)::bigint FROM profiles WHERE tenant = 'demo'";
    Ok(sqlx::query_scalar(sum).fetch_one(&world.database).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_paused_runs_go_on_once_each_though_everything_is_killed() -> anyhow::Result<()> {
    all_go_on(20, "12s").await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: `deploy/test --all` runs it"]
async fn ten_thousand_paused_runs_go_on_once_each_though_everything_is_killed() -> anyhow::Result<()> {
    all_go_on(200, "90s").await
}

async fn all_go_on(profiles: usize, pause: &str) -> anyhow::Result<()> {
    let (world, _folder) = world(pause).await?;
    let began = Instant::now();
    stream::iter(0..profiles)
        .map(|profile| begin(&world, profile, OF_ONE))
        .buffer_unordered(8)
        .try_collect::<Vec<()>>()
        .await?;
    world.settled().await;
    let early = resumed(&world).await?;
    assert!(began.elapsed() > humantime(pause) || early == 0, "{early} runs did not pause");

    // Everything that holds them dies: processes, and Redis itself. Then, as they go on, their owner once more.
    for stage in Stage::ALL {
        world.mesh.kill(stage);
    }
    world.mesh.servers().redis().kill();
    world.mesh.servers().redis().restart().await?;
    for stage in Stage::ALL {
        world.mesh.restart(stage).await?;
    }
    let runs = i64::try_from(profiles * OF_ONE)?;
    for part in [runs / 10, runs / 2] {
        eventually(SOON * 3, async || enough(&world, part).await).await;
        world.mesh.kill(Stage::Workflow);
        world.mesh.restart(Stage::Workflow).await?;
    }
    eventually(SOON * 3, async || enough(&world, runs).await).await;
    world.settled().await;
    assert_eq!(resumed(&world).await?, runs);
    for profile in 0..profiles {
        let fields = world.fields(&format!("p{profile}")).await?;
        assert_eq!(fields["began"]["all"], OF_ONE, "p{profile}");
        assert_eq!(fields["resumed"]["first"], OF_ONE, "p{profile}: {fields}");
        assert_eq!(fields["told"]["all"], 1, "p{profile}: what the last run told");
    }
    let told = i64::try_from(profiles)?;
    assert_eq!(world.stored_events("pause-over").await?, Stored { rows: told, ids: told, profiles: told });
    Ok(())
}

fn humantime(text: &str) -> Duration {
    Duration::from_secs(text.trim_end_matches('s').parse().expect("seconds"))
}

async fn enough(world: &World, least: i64) -> Result<(), String> {
    let resumed = resumed(world).await.map_err(|error| error.to_string())?;
    if resumed >= least { Ok(()) } else { Err(format!("{resumed} of {least} runs went on")) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_under_the_revision_it_began_with_also_when_redis_has_forgotten_that() -> anyhow::Result<()>
{
    let (world, _folder) = world("15s").await?;
    begin(&world, 0, 1).await?;
    // More revisions than Redis keeps; none of the later ones knows the node where the run is.
    for number in 0..34 {
        let text = documents("1s", &format!("later{number}"))
            .replace("name: rest", "name: sleep")
            .replace("to: rest", "to: sleep");
        apply(&world, &text).await?;
    }
    begin(&world, 1, 1).await?;
    eventually(SOON, async || {
        let fields = async |profile| world.fields(profile).await.map_err(|error| error.to_string());
        let (old, new) = (fields("p0").await?, fields("p1").await?);
        let both = (old["resumed"].clone(), new["resumed"].clone());
        if both == (json!({"first": 1}), json!({"later33": 1})) { Ok(()) } else { Err(format!("{both:?}")) }
    })
    .await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_for_an_event_takes_the_one_that_is_meant() -> anyhow::Result<()> {
    let (world, _folder) = world("1s").await?;
    let track = async |id: &str, event_type: &str, properties: Value| {
        let mut client = world.mesh.ingest(world.mesh.secret(KEY));
        client.track(about("ann", [event(id, event_type, properties)])).await
    };
    track("b", "basket", json!({})).await?;
    track("o-1", "order", json!({"basket": 1})).await?;
    world.settled().await;
    assert_eq!(world.fields("ann").await.ok().and_then(|fields| fields.get("resumed").cloned()), None);
    world.mesh.kill(Stage::Workflow);
    world.mesh.restart(Stage::Workflow).await?;
    track("o-2", "order", json!({"basket": 7})).await?;
    track("o-3", "order", json!({"basket": 7})).await?;
    world.settled().await;
    assert_eq!(world.fields("ann").await?["resumed"]["order"], 1);
    Ok(())
}

async fn apply(world: &World, text: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("all.yaml"), text)?;
    world.mesh.configuration().apply(request(folder.path())?).await?;
    Ok(())
}
