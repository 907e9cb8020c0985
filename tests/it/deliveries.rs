//! Changed profiles reach an external system: once they are quiet, as they are then, and again until they are taken.

use std::{collections::BTreeSet, fs, time::Duration};

use futures::future::try_join_all;
use tempfile::TempDir;
use tokio::time::Instant;
use tributary_proto::v1::{DeadLetter, ListDeadLettersRequest};
use tributary_testkit::{Receiver, Request, ServersOptions, eventually};

use crate::{
    payloads::{about, purchase},
    world::{SOON, World, config, quick},
};

const QUIET: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn changed_profiles_are_delivered_when_quiet_and_again_until_they_are_taken() -> anyhow::Result<()> {
    let receiver = Receiver::start().await?;
    let folder = with_destination(&receiver)?;
    let world = World::start_with(ServersOptions::default(), quick(folder.path())).await?;

    let began = Instant::now();
    let customers: Vec<String> = (0..10).map(|number| format!("p{number}")).collect();
    for number in 1..=2 {
        try_join_all(customers.iter().map(|customer| buy(&world, customer, number))).await?;
    }
    let early = receiver.requests();
    assert!(began.elapsed() > QUIET || early.is_empty(), "sent before it was quiet: {early:?}");
    let delivered = requests(&receiver, 10).await;
    let of: BTreeSet<&str> = delivered.iter().map(profile).collect();
    assert_eq!(of.len(), 10, "each profile");
    let mut keys = BTreeSet::new();
    for request in &delivered {
        assert_eq!(
            request.json["profile"]["fields"],
            world.fields(profile(request)).await?,
            "its newest content"
        );
        assert_eq!(request.json["profile"]["fields"]["purchases"]["count"], 2);
        let key = request.header("idempotency-key").unwrap_or_default();
        assert!(key.starts_with(&format!("demo/crm/{}/", profile(request))), "{key}");
        keys.insert(key.to_owned());
    }
    assert_eq!(keys.len(), 10, "a key of its own for each version");

    // Fails, then is fine: the same key until then.
    receiver.script([503, 500, 429]);
    buy(&world, "p0", 3).await?;
    let repeated = requests(&receiver, 14).await.split_off(10);
    let key = |request: &Request| request.header("idempotency-key").unwrap_or_default().to_owned();
    assert!(repeated.iter().all(|request| profile(request) == "p0"));
    assert!(
        repeated.iter().all(|request| key(request) == key(&repeated[0]) && !keys.contains(&key(request)))
    );
    assert_eq!(repeated[3].json["profile"]["fields"], world.fields("p0").await?);
    assert_eq!(dead_letters(&world).await?, []);

    // Rejected: given up on at once, and the next version is sent all the same.
    receiver.script([422]);
    buy(&world, "p1", 3).await?;
    let letter = eventually(SOON, async || {
        dead_letters(&world)
            .await
            .map_err(|error| error.to_string())?
            .pop()
            .ok_or_else(|| "none yet".to_owned())
    })
    .await;
    assert_eq!((letter.stage.as_str(), letter.kind.as_str()), ("dispatcher", "delivery"));
    assert_eq!((letter.subject.as_str(), letter.destination.as_str()), ("p1", "crm"));
    assert_eq!((letter.reason.as_str(), letter.attempts), ("REJECTED", 1));
    buy(&world, "p1", 4).await?;
    let last = requests(&receiver, 16).await.pop().expect("sixteen are not none");
    assert_eq!(last.json["profile"]["fields"]["purchases"]["count"], 4);
    assert_eq!(receiver.requests().len(), 16, "nothing was sent that had not changed");
    Ok(())
}

/// The tests' configuration, and a destination of the shop's.
fn with_destination(receiver: &Receiver) -> anyhow::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    for file in ["shop.yaml", "neighbour.yaml"] {
        fs::copy(config().join(file), folder.path().join(file))?;
    }
    let (url, quiet) = (receiver.url(), QUIET.as_secs());
    let destination = format!(
        "kind: Destination\nname: crm\ntenant: demo\nspec:\n  webhook: {{url: '{url}', timeout: 5s}}\n  \
         profiles: {{quiet: {quiet}s, longest_wait: 30s}}\n  \
         retry: {{attempts: 5, first: 100ms, longest: 500ms}}\n"
    );
    fs::write(folder.path().join("destination.yaml"), destination)?;
    Ok(folder)
}

async fn buy(world: &World, customer: &str, number: u32) -> anyhow::Result<()> {
    let mut client = world.mesh.ingest(world.mesh.secret("TRIBUTARY_WRITE_KEY_CDNOW"));
    client.track(about(customer, [purchase(&format!("{customer}-{number}"), 10.0)])).await?;
    Ok(())
}

async fn requests(receiver: &Receiver, count: usize) -> Vec<Request> {
    eventually(SOON, async || match receiver.requests() {
        requests if requests.len() >= count => Ok(requests),
        requests => Err(format!("{} requests of {count}", requests.len())),
    })
    .await
}

fn profile(request: &Request) -> &str {
    request.json["profile"]["id"].as_str().unwrap_or_default()
}

async fn dead_letters(world: &World) -> anyhow::Result<Vec<DeadLetter>> {
    let asked = world.mesh.dispatch().list_dead_letters(ListDeadLettersRequest::default()).await?;
    Ok(asked.into_inner().dead_letters)
}
