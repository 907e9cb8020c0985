//! Real purchases become real profiles, and sent again they change nothing.

use serde_json::{Value, json};

use crate::{
    customers::{self, CUSTOMERS, PURCHASES},
    sending::{self, Sent, answered_customers, stored_customers},
    world::{Stored, World},
};

#[tokio::test(flavor = "multi_thread")]
async fn real_purchases_become_profiles_and_sent_again_they_change_nothing() -> anyhow::Result<()> {
    let world = World::start().await?;
    let sent = sending::finish(sending::start(&world, &[])?).await?;
    assert_eq!(counts(&sent), (PURCHASES, 0, 0, 0));
    world.settled().await;
    check(&world).await?;

    let again = sending::finish(sending::start(&world, &[])?).await?;
    assert_eq!(counts(&again), (0, PURCHASES, 0, 0));
    world.settled().await;
    check(&world).await?;

    world.mesh.stop().await
}

/// Accepted, duplicate, invalid, failed.
fn counts(sent: &Sent) -> (i64, i64, i64, i64) {
    (sent.accepted, sent.duplicate, sent.invalid, sent.failed)
}

async fn check(world: &World) -> anyhow::Result<()> {
    let purchases = json!({
        "count": 4, "total": 100.5, "cds": 7,
        "first": "1997-01-01T00:00:00Z", "last": "1997-12-12T00:00:00Z",
    });
    let answered: Value = world.fields("0001").await?;
    assert_eq!(answered["purchases"], purchases);
    assert_eq!(world.stored_fields("0001").await?, answered);

    let expected = customers::from_file()?;
    assert_eq!(customers::differences(&stored_customers(world).await?, &expected), [""; 0], "as stored");
    let answered = answered_customers(world, expected.keys()).await?;
    assert_eq!(customers::differences(&answered, &expected), [""; 0], "as answered");

    let loyal = i64::try_from(expected.values().filter(|customer| customer.loyal).count())?;
    let each_once = |rows, profiles| Stored { rows, ids: rows, profiles };
    assert_eq!(world.stored_events("purchase").await?, each_once(PURCHASES, CUSTOMERS));
    assert_eq!(world.stored_events("profile-created").await?, each_once(CUSTOMERS, CUSTOMERS));
    assert_eq!(world.stored_events("became-loyal").await?, each_once(loyal, loyal));
    Ok(())
}
