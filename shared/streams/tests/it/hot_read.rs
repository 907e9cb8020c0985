//! A read shows every change acknowledged before it, once, cold or hot (§5).

use crate::payload::{Payload, change, id, session_id};
use crate::rows::{Collector, SNAPSHOT_LIFE, Table};
use crate::world::{P, World, key, tenant};
use tributary_model::{PartitionId, State, StreamId, partition_of};
use tributary_streams::{Installed, Known, ReadError, Reader, Reading, Redis, Subject};

struct Slot {
    world: World,
    collector: Collector,
    reader: Reader<Table>,
}

impl Slot {
    async fn start() -> anyhow::Result<Self> {
        let world = World::start().await?;
        let table = Table::default();
        let fence = world.own("collector").await?;
        let collector = Collector { redis: world.redis.clone(), fence, table: table.clone() };
        let reader = Reader::new(world.redis.clone(), table, 1, SNAPSHOT_LIFE);
        Ok(Self { world, collector, reader })
    }

    async fn append(&self, profile: &str, events: &[&str]) -> anyhow::Result<()> {
        Payload::of(profile, events).outcomes(&self.world.redis).await.map(drop)
    }

    async fn read(&self, profile: &str) -> anyhow::Result<Reading> {
        Ok(self.reader.read(&tenant(), &id(profile), None).await?)
    }

    async fn forget_snapshot(&self, profile: &str) -> anyhow::Result<()> {
        self.world.raw(&["DEL", &key(&format!("snap:p:demo:{profile}"))]).await
    }
}

fn told(events: &[&str]) -> State {
    let changes: Vec<_> = events.iter().map(|event| change(event)).collect();
    State::fold(&changes)
}

#[tokio::test]
async fn a_profile_is_its_snapshot_and_what_came_after() -> anyhow::Result<()> {
    let slot = Slot::start().await?;
    assert_eq!(slot.read("ann").await?.profile, Known::default(), "nothing is known of a stranger");

    slot.append("ann", &["e1", "e2"]).await?;
    assert_eq!(slot.read("ann").await?.profile.state, told(&["e1", "e2"]));
    slot.collector.flush().await?;
    slot.append("ann", &["e3"]).await?;
    let reading = slot.read("ann").await?;
    assert_eq!(reading.profile.state, told(&["e1", "e2", "e3"]));

    let changes =
        slot.world.redis.tail(P, tributary_streams::Stream::Changes, StreamId::default(), 10).await?;
    assert_eq!(
        changes.last().map(|entry| entry.id),
        Some(reading.profile.version),
        "the version is the last change"
    );
    Ok(())
}

#[tokio::test]
async fn a_hot_profile_needs_no_row() -> anyhow::Result<()> {
    let slot = Slot::start().await?;
    slot.append("ann", &["e1"]).await?;
    slot.collector.flush().await?;
    let reads = slot.collector.table.reads();
    slot.read("ann").await?;
    assert_eq!(slot.collector.table.reads(), reads);
    Ok(())
}

#[tokio::test]
async fn what_is_pending_and_in_the_snapshot_counts_once() -> anyhow::Result<()> {
    let slot = Slot::start().await?;
    slot.append("ann", &["e1", "e2"]).await?;
    // The transaction is through, the scripts after it have not run: the row contains what is pending.
    slot.collector.commit().await?;
    assert_eq!(slot.read("ann").await?.profile.state, told(&["e1", "e2"]));
    slot.forget_snapshot("ann").await?;
    slot.append("ann", &["e3"]).await?;
    assert_eq!(slot.read("ann").await?.profile.state, told(&["e1", "e2", "e3"]));
    Ok(())
}

#[tokio::test]
async fn a_reader_with_an_old_row_reads_again_once_the_slot_has_moved_on() -> anyhow::Result<()> {
    let slot = Slot::start().await?;
    let gate = slot.collector.table.hold_next_reader();
    slot.append("ann", &["e1"]).await?;
    let meanwhile = async {
        gate.reached().await?;
        slot.collector.flush().await?;
        slot.forget_snapshot("ann").await?;
        gate.open();
        anyhow::Ok(())
    };
    let (reading, done) = tokio::join!(slot.read("ann"), meanwhile);
    done?;
    assert_eq!(reading?.profile.state, told(&["e1"]));
    assert_eq!(slot.collector.table.reads(), 2);
    assert_eq!(slot.read("ann").await?.profile.state, told(&["e1"]), "and leaves a snapshot that is true");
    Ok(())
}

#[tokio::test]
async fn a_row_below_what_was_trimmed_is_never_installed() -> anyhow::Result<()> {
    let slot = Slot::start().await?;
    let subject = Subject::Profile(id("ann"));
    let (old, stamp) = slot.collector.table.get(&tenant(), &subject);
    slot.append("ann", &["e1"]).await?;
    slot.collector.flush().await?;
    slot.forget_snapshot("ann").await?;
    let installed = slot.world.redis.install(P, &tenant(), &subject, &old, stamp, SNAPSHOT_LIFE).await?;
    assert_eq!(installed, Installed::Stale);
    Ok(())
}

#[tokio::test]
async fn an_old_row_does_not_replace_a_newer_snapshot() -> anyhow::Result<()> {
    let slot = Slot::start().await?;
    let subject = Subject::Profile(id("ann"));
    slot.append("bob", &["e0"]).await?;
    slot.collector.flush().await?;
    let (old, stamp) = slot.collector.table.get(&tenant(), &subject);
    slot.append("ann", &["e1"]).await?;
    slot.collector.flush().await?;
    slot.append("ann", &["e2"]).await?;
    let installed = slot.world.redis.install(P, &tenant(), &subject, &old, stamp, SNAPSHOT_LIFE).await?;
    let Installed::Known(known) = installed else { anyhow::bail!("{installed:?}") };
    assert_eq!(known.state, told(&["e1", "e2"]));
    Ok(())
}

#[tokio::test]
async fn a_slot_that_moves_faster_than_rows_are_read_says_so() -> anyhow::Result<()> {
    let slot = Slot::start().await?;
    slot.world.raw::<()>(&["SET", &key("trimmed"), "9999999999999-0"]).await?;
    let refused = slot.reader.read(&tenant(), &id("ann"), None).await;
    assert!(matches!(refused, Err(ReadError::Moving)), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn the_members_of_a_session_at_two_profiles_of_one_slot_do_not_mix() -> anyhow::Result<()> {
    let slot = Slot::start().await?;
    let session = session_id("s");
    for (profile, event) in [("ann", "e1"), ("bob", "e2")] {
        let payload = Payload { bound: false, ..Payload::of(profile, &[event]).in_session("s") };
        payload.outcomes(&slot.world.redis).await?;
    }
    for round in ["pending", "flushed"] {
        for (profile, event) in [("ann", "e1"), ("bob", "e2")] {
            let reading = slot.reader.read(&tenant(), &id(profile), Some(&session)).await?;
            let members: Vec<_> = reading.session.iter().map(|(origin, _, state)| (origin, state)).collect();
            assert_eq!(members, [(&id(profile), &told(&[event]))], "{round}");
        }
        slot.collector.flush().await?;
    }
    assert_eq!(slot.reader.member(&tenant(), &session, &id("cid")).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_read_walks_over_aliases_and_takes_the_sessions_members_along() -> anyhow::Result<()> {
    let world = World::start().await?;
    let partitions = 4;
    let reader = Reader::new(world.redis.clone(), Table::default(), partitions, SNAPSHOT_LIFE);
    let at = |profile: &str| partition_of(&tenant(), profile, partitions);
    for (profile, event) in [("ann", "e1"), ("bob", "e2"), ("cid", "e3")] {
        append_at(&world.redis, at(profile), profile, event).await?;
    }
    for (from, to) in [("ann", "bob"), ("bob", "cid")] {
        let alias = format!("{{{}}}:alias:demo:{from}", at(from));
        world.raw::<()>(&["HSET", &alias, "to", to, "state", "DONE"]).await?;
    }
    let reading = reader.read(&tenant(), &id("ann"), Some(&session_id("s"))).await?;
    assert_eq!(reading.profile_id, id("cid"));
    assert_eq!(reading.walked, [id("ann"), id("bob"), id("cid")]);
    assert_eq!(reading.profile.state, told(&["e3"]), "the profile is the one at the end of the walk");
    let members: Vec<_> =
        reading.session.iter().map(|(origin, _, state)| (origin.clone(), state.clone())).collect();
    assert_eq!(members, [(id("ann"), told(&["e1"])), (id("bob"), told(&["e2"])), (id("cid"), told(&["e3"]))]);
    Ok(())
}

async fn append_at(redis: &Redis, partition: PartitionId, profile: &str, event: &str) -> anyhow::Result<()> {
    let payload = Payload { partition, bound: false, ..Payload::of(profile, &[event]).in_session("s") };
    payload.outcomes(redis).await.map(drop)
}

#[tokio::test]
async fn nothing_is_answered_from_a_merge_that_is_under_way_nor_from_a_circle() -> anyhow::Result<()> {
    let slot = Slot::start().await?;
    let alias = |from: &str| key(&format!("alias:demo:{from}"));
    slot.world.raw::<()>(&["HSET", &alias("ann"), "to", "bob", "state", "MERGING"]).await?;
    let moving = slot.reader.read(&tenant(), &id("ann"), None).await;
    assert!(matches!(moving, Err(ReadError::Moving)), "{moving:?}");

    slot.world.raw::<()>(&["HSET", &alias("ann"), "to", "bob", "state", "DONE"]).await?;
    slot.world.raw::<()>(&["HSET", &alias("bob"), "to", "ann", "state", "DONE"]).await?;
    let circle = slot.reader.read(&tenant(), &id("ann"), None).await;
    assert!(matches!(circle, Err(ReadError::Moving)), "{circle:?}");
    Ok(())
}
