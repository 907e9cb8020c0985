//! Two processes of a stage share its partitions, and each takes over from the other.

use std::{collections::BTreeSet, time::Duration};

use futures::future::try_join_all;
use serde_json::Value;
use tributary_proto::v1::EventStatus;
use tributary_testkit::{ServersOptions, Stage, eventually};

use crate::{
    payloads::{about, purchase},
    world::{SOON, World, config, quick},
};

const PROFILES: usize = 64;
/// The lease of two seconds, which may have been renewed just before, and time to do what was left behind.
const TAKEN_OVER: Duration = Duration::from_secs(2 + 6);

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_the_partitions_and_each_takes_over_from_the_other() -> anyhow::Result<()> {
    let options =
        quick(config()).env("TRIBUTARY_LOG", "info,tributary_streams=debug,tributary_collector=debug");
    let world = World::start_with(ServersOptions::default(), options).await?;
    let workflow = world.mesh.another(Stage::Workflow).await?;
    let collector = world.mesh.another(Stage::Collector).await?;
    for other in [&workflow, &collector] {
        eventually(SOON, async || match taken(&other.log(100_000)).len() {
            16.. => Ok(()),
            fewer => Err(format!("the second process has taken {fewer} of 32 partitions")),
        })
        .await;
    }
    buy(&world, 1).await?;
    handled(&world, 1, SOON).await;

    // The first ones die with events on their way.
    buy(&world, 2).await?;
    world.mesh.kill(Stage::Workflow);
    world.mesh.kill(Stage::Collector);
    buy(&world, 3).await?;
    handled(&world, 3, TAKEN_OVER).await;

    // They come back, and the second ones die.
    world.mesh.restart(Stage::Workflow).await?;
    world.mesh.restart(Stage::Collector).await?;
    buy(&world, 4).await?;
    workflow.kill();
    collector.kill();
    buy(&world, 5).await?;
    handled(&world, 5, TAKEN_OVER).await;
    world.settled().await;
    let told: i64 = sqlx::query_scalar("SELECT count(*) FROM events WHERE type = 'became-loyal'")
        .fetch_one(&world.database)
        .await?;
    assert_eq!(told, 64);
    Ok(())
}

/// One purchase of each customer.
async fn buy(world: &World, number: usize) -> anyhow::Result<()> {
    let client = world.mesh.ingest(world.mesh.secret("TRIBUTARY_WRITE_KEY_CDNOW"));
    let calls = (0..PROFILES).map(|profile| {
        let mut client = client.clone();
        let payload = about(&format!("p{profile}"), [purchase(&format!("e-{profile}-{number}"), 1.0)]);
        async move { client.track(payload).await }
    });
    let answers = try_join_all(calls).await?;
    assert!(answers.iter().all(|answer| answer.get_ref().events[0].status() == EventStatus::Accepted));
    Ok(())
}

/// Waits until the rows of all customers show so many purchases, and from the third on what the workflow gives, once.
async fn handled(world: &World, purchases: i64, within: Duration) {
    let expected = if purchases < 3 { (purchases, 0, 0) } else { (purchases, 100, 1) };
    eventually(within, async || {
        let rows: Vec<Value> = sqlx::query_scalar("SELECT fields FROM profiles WHERE tenant = 'demo'")
            .fetch_all(&world.database)
            .await
            .map_err(|error| error.to_string())?;
        let number = |row: &Value, path: &str| row.pointer(path).and_then(Value::as_i64).unwrap_or(0);
        let as_expected = rows.iter().filter(|row| {
            (number(row, "/purchases/count"), number(row, "/loyalty/points"), number(row, "/loyalty/told"))
                == expected
        });
        match as_expected.count() {
            PROFILES => Ok(()),
            count => Err(format!("{count} of {PROFILES} customers have {expected:?}")),
        }
    })
    .await;
}

/// The partitions that a process says it has taken.
pub(crate) fn taken(log: &str) -> BTreeSet<u64> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let taken =
        lines.filter(|line| matches!(line["message"].as_str(), Some("took a partition" | "partition taken")));
    taken.filter_map(|line| line["partition"].as_u64()).collect()
}
