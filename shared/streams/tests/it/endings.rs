//! Who waits for an event is told when it ends, by any process, and misses no end (§6).

use crate::commit::{Owner, seen_as};
use crate::world::{LONG, P, SOON, tenant};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tributary_model::{EventId, PartitionId};
use tributary_streams::{Ending, Endings, Expectation, Progress};

const A_WHILE: Duration = Duration::from_millis(150);

fn event(id: &str) -> EventId {
    EventId::new(id).expect("tests use short ids")
}

/// Another process of the mesh, which listens.
async fn listening(owner: &Owner) -> anyhow::Result<(Endings, CancellationToken, JoinHandle<()>)> {
    let (endings, stopping) = (owner.world.another_process().await?.endings(), CancellationToken::new());
    #[expect(clippy::disallowed_methods, reason = "a test ends its own task")]
    let task = tokio::spawn(endings.clone().run(stopping.clone()));
    Ok((endings, stopping, task))
}

/// Whether it was told before `longest`.
pub(crate) async fn told(expected: &Expectation, longest: Duration) -> bool {
    let begun = Instant::now();
    expected.wait(longest).await;
    begun.elapsed() < longest
}

async fn subscribed(owner: &Owner) -> anyhow::Result<usize> {
    Ok(owner.world.raw::<Vec<String>>(&["PUBSUB", "SHARDCHANNELS"]).await?.len())
}

async fn end(owner: &Owner, id: &str) -> anyhow::Result<()> {
    let entry = if id == "e1" { owner.entry } else { owner.next(id).await? };
    let effects = [seen_as(event(id), entry, Ending::Done)];
    owner.commit_entry(entry, &effects, &tributary_model::TraceContext::default()).await?;
    Ok(())
}

#[tokio::test]
async fn whoever_waits_is_told_at_once_and_of_their_own_event() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let (endings, stopping, task) = listening(&owner).await?;
    let first = endings.expect(P, &tenant(), &event("e1"));
    let (also, other) =
        (endings.expect(P, &tenant(), &event("e1")), endings.expect(P, &tenant(), &event("e2")));
    for expected in [&first, &also, &other] {
        assert!(told(expected, SOON).await, "the subscription began: look once more");
    }
    assert!(!told(&first, A_WHILE).await);
    end(&owner, "e1").await?;
    assert!(told(&first, SOON).await && told(&also, SOON).await);
    assert!(!told(&other, A_WHILE).await);
    // The partition is subscribed now: nothing is told but the end itself.
    let late = endings.expect(P, &tenant(), &event("e3"));
    assert!(!told(&late, A_WHILE).await);
    end(&owner, "e3").await?;
    assert!(told(&late, SOON).await);
    stopping.cancel();
    Ok(task.await?)
}

#[tokio::test]
async fn an_end_between_the_first_look_and_the_subscription_is_not_missed() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let endings = owner.world.another_process().await?.endings();
    let expected = endings.expect(P, &tenant(), &event("e1"));
    let look = async || owner.world.redis.progress(P, &tenant(), &event("e1")).await;
    assert!(matches!(look().await?, Progress::Waiting { .. }));
    end(&owner, "e1").await?;
    let stopping = CancellationToken::new();
    let listens = endings.run(stopping.clone());
    let waits = async {
        assert!(told(&expected, SOON).await);
        stopping.cancel();
    };
    tokio::join!(listens, waits);
    assert!(matches!(look().await?, Progress::Ended { .. }));
    Ok(())
}

#[tokio::test]
async fn a_lost_connection_is_made_anew_and_all_who_wait_look_again() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let (endings, stopping, task) = listening(&owner).await?;
    let expected = endings.expect(P, &tenant(), &event("e1"));
    assert!(told(&expected, SOON).await);
    assert_eq!(owner.world.raw::<i64>(&["CLIENT", "KILL", "TYPE", "pubsub"]).await?, 1);
    assert!(told(&expected, SOON).await);
    end(&owner, "e1").await?;
    assert!(told(&expected, SOON).await);
    stopping.cancel();
    Ok(task.await?)
}

#[tokio::test]
async fn who_waits_for_nothing_subscribes_to_nothing() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let clients = async || -> anyhow::Result<usize> {
        Ok(owner.world.raw::<String>(&["CLIENT", "LIST"]).await?.lines().count())
    };
    let before = clients().await?;
    let (endings, stopping, task) = listening(&owner).await?;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!((clients().await?, subscribed(&owner).await?), (before + 1, 0), "only the process itself");
    let expected = endings.expect(P, &tenant(), &event("e1"));
    let elsewhere = endings.expect(PartitionId(7), &tenant(), &event("e1"));
    assert!(told(&expected, SOON).await && told(&elsewhere, SOON).await);
    assert_eq!((clients().await?, subscribed(&owner).await?), (before + 2, 2), "one connection for all");
    stopping.cancel();
    Ok(task.await?)
}

#[tokio::test]
async fn a_wait_that_nobody_ends_is_over_in_time_even_if_nobody_listens() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let begun = Instant::now();
    owner.world.redis.endings().wait(P, &tenant(), &event("e1"), A_WHILE).await;
    assert!(begun.elapsed() >= A_WHILE && begun.elapsed() < LONG);
    Ok(())
}

#[tokio::test]
async fn an_end_that_nobody_may_wait_for_is_not_announced_and_a_refused_one_undoes_nothing()
-> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let world = &owner.world;
    let (endings, stopping, task) = listening(&owner).await?;
    let expected = endings.expect(P, &tenant(), &event("e1"));
    assert!(told(&expected, SOON).await);
    let mut effect = seen_as(event("e1"), owner.entry, Ending::Done);
    if let tributary_streams::Effect::Seen { announce, .. } = &mut effect {
        *announce = false;
    }
    owner.commit(&[effect]).await?;
    assert!(!told(&expected, A_WHILE).await);
    stopping.cancel();
    task.await?;

    let next = owner.next("e2").await?;
    world.raw::<()>(&["ACL", "SETUSER", "default", "resetchannels"]).await?;
    let effects = [seen_as(event("e2"), next, Ending::Done), crate::paused::pause("t", LONG, &[])];
    owner.commit_entry(next, &effects, &tributary_model::TraceContext::default()).await?;
    assert!(matches!(world.redis.progress(P, &tenant(), &event("e2")).await?, Progress::Ended { .. }));
    Ok(())
}
