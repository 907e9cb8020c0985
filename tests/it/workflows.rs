//! What a workflow decides happens once, whoever dies on the way.

use serde_json::{Value, json};
use tributary_proto::v1::{EventStatus, GetLagRequest};
use tributary_testkit::{ServersOptions, Signal, Stage, eventually};

use crate::{
    payloads::{about, purchase},
    world::{SOON, World, config, quick},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_third_purchase_makes_a_loyal_customer_once() -> anyhow::Result<()> {
    let world = World::start().await?;
    for number in 1..=2 {
        buy(&world, "p", number).await?;
    }
    world.settled().await;
    assert_eq!(loyalty(&world.fields("p").await?), (Value::Null, json!({})));

    buy(&world, "p", 3).await?;
    world.settled().await;
    let loyal = (json!(true), json!({"points": 100, "told": 1, "purchases_then": 3}));
    assert_eq!(loyalty(&world.fields("p").await?), loyal);

    // Again after the decision, and the third purchase once more.
    buy(&world, "p", 4).await?;
    let again = buy(&world, "p", 3).await?;
    assert_eq!(again, EventStatus::Duplicate);
    world.settled().await;
    assert_eq!(loyalty(&world.fields("p").await?), loyal);
    assert_eq!(loyalty(&world.stored_fields("p").await?), loyal);
    assert_eq!(derived(&world).await?, [("p".into(), "p-3".into(), 1, json!({"purchases": 3}))]);
    Ok(())
}

/// The owner dies between the effect of what it had in hand, a derived event handed to preprocess, and its own note that
/// this is done: the next owner does it again.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_owner_had_in_hand_is_not_done_twice() -> anyhow::Result<()> {
    // The call that waits may wait for half a lease.
    let patient = quick(config()).env("TRIBUTARY_LEASE", "6s");
    let world = World::start_with(ServersOptions::default(), patient).await?;
    for number in 1..=2 {
        buy(&world, "p", number).await?;
    }
    world.settled().await;

    world.mesh.signal(Stage::Workflow, Signal::SIGSTOP);
    buy(&world, "p", 3).await?;
    world.mesh.signal(Stage::Preprocess, Signal::SIGSTOP);
    world.mesh.signal(Stage::Workflow, Signal::SIGCONT);
    // In hand for as long as several looks take: the call waits at preprocess.
    eventually(SOON, async || {
        for _ in 0..5 {
            in_hand(&world).await?;
        }
        Ok(())
    })
    .await;
    world.mesh.signal(Stage::Workflow, Signal::SIGSTOP);
    world.mesh.signal(Stage::Preprocess, Signal::SIGCONT);
    eventually(SOON, async || match derived(&world).await {
        Ok(events) if events.is_empty() => Err("not stored yet".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    })
    .await;
    assert_eq!(in_hand(&world).await, Ok(()), "done, and not noted");
    world.mesh.kill(Stage::Workflow);
    world.mesh.restart(Stage::Workflow).await?;

    // Only the next owner, doing it again, can have noted it.
    world.settled().await;
    let loyal = (json!(true), json!({"points": 100, "told": 1, "purchases_then": 3}));
    assert_eq!(loyalty(&world.fields("p").await?), loyal);
    assert_eq!(loyalty(&world.stored_fields("p").await?), loyal);
    assert_eq!(derived(&world).await?, [("p".into(), "p-3".into(), 1, json!({"purchases": 3}))]);
    Ok(())
}

async fn buy(world: &World, profile: &str, number: u32) -> anyhow::Result<EventStatus> {
    let mut client = world.mesh.ingest(world.mesh.secret("TRIBUTARY_WRITE_KEY_CDNOW"));
    let payload = about(profile, [purchase(&format!("{profile}-{number}"), 10.0)]);
    Ok(client.track(payload).await?.into_inner().events[0].status())
}

/// The segment, and what loyalty brought.
fn loyalty(fields: &Value) -> (Value, Value) {
    (fields["segments"]["loyal"].clone(), fields.get("loyalty").cloned().unwrap_or_else(|| json!({})))
}

/// Whether the forwarder has the derived event in hand.
async fn in_hand(world: &World) -> Result<(), String> {
    let lag = world.mesh.profiles().get_lag(GetLagRequest {}).await.map_err(|status| status.to_string())?;
    let forward = lag.into_inner().readers.into_iter().filter(|reader| reader.stream == "forward");
    let pending: u64 = forward.map(|reader| reader.pending).sum();
    if pending == 1 { Ok(()) } else { Err(format!("{pending} derived events are in hand")) }
}

/// Profile, cause, depth and properties of each stored event that the workflow made.
async fn derived(world: &World) -> anyhow::Result<Vec<(String, String, i32, Value)>> {
    let made = "SELECT profile_id, cause, depth, properties FROM events WHERE type = 'became-loyal'";
    Ok(sqlx::query_as(made).fetch_all(&world.database).await?)
}
