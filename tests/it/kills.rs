//! Every stage is killed while events arrive, and nothing is lost or counted twice.

use tributary_testkit::{Stage, eventually};

use crate::{
    customers::{self, CUSTOMERS, PURCHASES},
    sending::{self, answered_customers, stored_customers},
    world::{SOON, Stored, World},
};

#[tokio::test(flavor = "multi_thread")]
async fn each_stage_is_killed_while_events_arrive_and_every_event_counts_once() -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut pids = Stage::ALL.map(|stage| world.mesh.pid(stage)).to_vec();
    pids.dedup();
    assert_eq!(pids.len(), 5, "five processes");

    let mut sending = sending::start(&world, &["--rate", "200"])?;
    for (stage, after) in Stage::ALL.into_iter().zip((1..).map(|part| part * PURCHASES / 7)) {
        eventually(SOON, async || arrived(&world, after).await).await;
        let pid = world.mesh.pid(stage);
        world.mesh.kill(stage);
        world.mesh.restart(stage).await?;
        assert_ne!(world.mesh.pid(stage), pid);
        assert!(sending.try_wait()?.is_none(), "{} was killed after everything was sent", stage.name());
    }
    let sent = sending::finish(sending).await?;
    assert_eq!((sent.accepted + sent.duplicate, sent.invalid, sent.failed), (PURCHASES, 0, 0), "{sent:?}");
    assert!(sent.retries > 0, "the door was away for a while: {sent:?}");
    world.settled().await;

    let expected = customers::from_file()?;
    assert_eq!(customers::differences(&stored_customers(&world).await?, &expected), [""; 0], "as stored");
    let answered = answered_customers(&world, expected.keys()).await?;
    assert_eq!(customers::differences(&answered, &expected), [""; 0], "as answered");

    let loyal = i64::try_from(expected.values().filter(|customer| customer.loyal).count())?;
    let each_once = |rows, profiles| Stored { rows, ids: rows, profiles };
    assert_eq!(world.stored_events("purchase").await?, each_once(PURCHASES, CUSTOMERS));
    assert_eq!(world.stored_events("profile-created").await?, each_once(CUSTOMERS, CUSTOMERS));
    assert_eq!(world.stored_events("became-loyal").await?, each_once(loyal, loyal));
    Ok(())
}

async fn arrived(world: &World, purchases: i64) -> Result<(), String> {
    let stored = world.stored_events("purchase").await.map_err(|error| error.to_string())?;
    if stored.rows >= purchases { Ok(()) } else { Err(format!("{} purchases are stored", stored.rows)) }
}
