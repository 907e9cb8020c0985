//! What a former owner left behind, and owners that lost their lease.

use std::time::Duration;

use tributary_model::{ProfileId, State, StreamId};
use tributary_storage::{FlushBatch, FlushOutcome, Positions, ProfileRow};
use tributary_streams::Stream;
use tributary_testkit::eventually;

use crate::support::{SOON, World, partition, tenant};

/// The lease of the tests, longer than any of them needs it.
const LEASE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn rows_committed_and_not_published_are_published_by_the_next_owner() {
    let world = World::new().await;
    let p = partition("p1");
    world.append("e1", "p1", "").await;
    let change = world.redis.tail(p, Stream::Changes, StreamId::default(), 1).await.unwrap().remove(0);

    // A former owner committed this change and died before its scripts.
    world.storage.take_epoch(p, 1).await.unwrap();
    let events = world.redis.tail(p, Stream::Events, StreamId::default(), 1).await.unwrap().remove(0).id;
    let to = Positions { changes: change.id, events, ..Default::default() };
    let mut batch = FlushBatch::new(p, 1, StreamId::default(), to);
    batch.profiles.push(ProfileRow {
        tenant: tenant(),
        id: ProfileId::new("p1").unwrap(),
        version: change.id,
        state: State::default(),
        fields: Default::default(),
    });
    assert!(matches!(world.storage.flush(&mut batch).await.unwrap(), FlushOutcome::Committed { .. }));

    let collector = world.collector().await;
    eventually(SOON, async || {
        let published = world.redis.tail(p, Stream::Profiles, StreamId::default(), 10).await.unwrap();
        if published.iter().map(|entry| entry.id).eq([change.id]) {
            Ok(())
        } else {
            Err(format!("{published:?}"))
        }
    })
    .await;
    let raw = world.raw().await;
    eventually(SOON, async || {
        let mut raw = raw.clone();
        let pending: Vec<String> = redis::cmd("KEYS").arg("*:pending:*").query_async(&mut raw).await.unwrap();
        if pending.is_empty() { Ok(()) } else { Err(format!("{pending:?}")) }
    })
    .await;
    let positions = world.storage.partitions().await.unwrap()[usize::from(p.0)].positions;
    assert_eq!(positions.changes, change.id, "the change was folded once, by the former owner");
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_taken_away_in_postgres_is_taken_anew_and_nothing_counts_twice() {
    let world = World::new().await;
    let collector = world.collector().await;
    let p = partition("p1");
    for n in 0..20 {
        world.append(&format!("e{n}"), "p1", "").await;
        if n % 5 == 4 {
            // A newer owner appears in Postgres: the flushes of this one are refused from now on.
            let epoch = world.storage.read_epoch(p).await.unwrap();
            world.storage.take_epoch(p, epoch + 1).await.unwrap();
        }
    }
    eventually(SOON, async || match collector.events("p1").await.len() {
        20 => Ok(()),
        stored => Err(format!("{stored} of 20 stored")),
    })
    .await;
    assert_eq!(collector.views("p1").await, Ok(20));
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_starts_while_another_holds_the_lease_and_takes_over_when_it_ends() {
    let world = World::new().await;
    let p = partition("p1");
    // An owner that died: its lease runs on.
    let dead = world.redis.acquire(p, "collector", 5, LEASE).await.unwrap().unwrap();
    world.append("e1", "p1", "").await;
    let collector = world.collector().await;
    assert_eq!(collector.views("p1").await, Ok(1), "reads do not need an owner");
    eventually(SOON, async || match collector.events("p1").await.len() {
        1 => Ok(()),
        _ => Err("not stored".to_owned()),
    })
    .await;
    assert!(world.storage.read_epoch(p).await.unwrap() > dead.epoch);
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_killed_and_restarted_loses_nothing_and_counts_nothing_twice() {
    let world = World::new().await;
    let collector = world.collector().await;
    for n in 0..30 {
        world.append(&format!("e{n}"), "p1", "s1").await;
    }
    world.servers.redis().kill();
    world.servers.redis().restart().await.unwrap();
    eventually(SOON, async || match collector.events("p1").await.len() {
        30 => Ok(()),
        stored => Err(format!("{stored} of 30 stored")),
    })
    .await;
    eventually(SOON, async || match collector.views("p1").await {
        Ok(30) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_away_hot_profiles_are_answered_and_cold_ones_are_asked_to_wait() {
    let world = World::with_own_postgres().await;
    let collector = world.collector().await;
    world.append("e1", "p1", "").await;
    assert_eq!(collector.views("p1").await, Ok(1));

    world.servers.postgres().kill();
    world.append("e2", "p1", "").await;
    assert_eq!(collector.views("p1").await, Ok(2));
    let cold = collector.profile("never-seen").await.unwrap_err();
    assert_eq!(cold.code(), tonic::Code::Unavailable);
    assert_eq!(tributary_runtime::reason_of(&cold).as_deref(), Some("DATABASE_UNAVAILABLE"));

    world.servers.postgres().restart().await.unwrap();
    eventually(SOON, async || match collector.stored("p1").await {
        Ok(2) => Ok(()),
        other => Err(format!("{other:?} of 2 stored")),
    })
    .await;
    assert_eq!(collector.views("p1").await, Ok(2));
    collector.stop().await;
}
