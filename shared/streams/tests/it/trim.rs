//! Streams are trimmed behind all of the mesh's own readers, never past one (§7).

use crate::payload::Payload;
use crate::world::{P, World, key, tenant};
use std::time::Duration;
use tributary_model::{StreamId, TraceContext};
use tributary_streams::{Fence, From, Group, Retention, Stream};

/// Nothing is kept for strangers: only the mesh's own readers hold.
const NOTHING: Retention = Retention { age: Duration::ZERO, entries: 0 };
const WORKFLOW: [Group; 1] = [Group::Workflow];

struct Trimmer {
    world: World,
    collector: Fence,
    workflow: Fence,
    ids: Vec<StreamId>,
}

impl Trimmer {
    /// Five events, and a workflow group that has read none.
    async fn start() -> anyhow::Result<Self> {
        let world = World::start().await?;
        world.redis.ensure_group(P, Group::Workflow).await?;
        let (collector, workflow) = (world.own("collector").await?, world.own("workflow").await?);
        Payload::of("ann", &["e1", "e2", "e3", "e4", "e5"]).outcomes(&world.redis).await?;
        let ids = world.ids(Stream::Events).await?;
        Ok(Self { world, collector, workflow, ids })
    }

    async fn read(&self, count: usize) -> anyhow::Result<()> {
        let handed = self.world.redis.read_group(&self.workflow, Group::Workflow, From::New, count).await?;
        anyhow::ensure!(handed.len() == count);
        Ok(())
    }

    async fn finish(&self, entry: usize) -> anyhow::Result<()> {
        let trace = TraceContext::default();
        let redis = &self.world.redis;
        redis.commit(&self.workflow, Group::Workflow, self.ids[entry], &tenant(), &[], &trace).await?;
        Ok(())
    }

    /// Trims events and answers which are left, by number.
    async fn trim(
        &self,
        committed: StreamId,
        kept: Retention,
        groups: &[Group],
    ) -> anyhow::Result<Vec<usize>> {
        self.world.redis.trim(&self.collector, Stream::Events, Some(committed), kept, groups).await?;
        let left = self.world.ids(Stream::Events).await?;
        Ok((0..self.ids.len()).filter(|n| left.contains(&self.ids[*n])).collect())
    }

    async fn gone(&self) -> anyhow::Result<Option<String>> {
        self.world.raw(&["GET", &key("gone:events")]).await
    }
}

#[tokio::test]
async fn what_a_group_has_not_finished_stays_read_or_not() -> anyhow::Result<()> {
    let trimmer = Trimmer::start().await?;
    let all = trimmer.ids[4];
    assert_eq!(trimmer.trim(all, NOTHING, &WORKFLOW).await?, [0, 1, 2, 3, 4], "nothing was read");
    assert_eq!(trimmer.gone().await?, None);
    trimmer.read(3).await?;
    assert_eq!(trimmer.trim(all, NOTHING, &WORKFLOW).await?, [0, 1, 2, 3, 4], "nothing was finished");
    trimmer.finish(0).await?;
    trimmer.finish(2).await?;
    assert_eq!(trimmer.trim(all, NOTHING, &WORKFLOW).await?, [1, 2, 3, 4], "the second is still in hand");
    assert_eq!(trimmer.gone().await?, Some(trimmer.ids[0].to_string()));
    trimmer.finish(1).await?;
    assert_eq!(trimmer.trim(all, NOTHING, &WORKFLOW).await?, [3, 4], "the last two were not handed out");
    assert_eq!(trimmer.gone().await?, Some(trimmer.ids[2].to_string()));

    let left = trimmer.world.redis.read_group(&trimmer.workflow, Group::Workflow, From::New, 9).await?;
    assert!(left.iter().all(|handed| !handed.entry.lost) && left.len() == 2);
    Ok(())
}

#[tokio::test]
async fn what_postgres_does_not_have_stays() -> anyhow::Result<()> {
    let trimmer = Trimmer::start().await?;
    trimmer.read(5).await?;
    for entry in 0..5 {
        trimmer.finish(entry).await?;
    }
    assert_eq!(trimmer.trim(StreamId::default(), NOTHING, &WORKFLOW).await?, [0, 1, 2, 3, 4]);
    assert_eq!(trimmer.trim(trimmer.ids[1], NOTHING, &WORKFLOW).await?, [2, 3, 4]);
    assert_eq!(trimmer.trim(trimmer.ids[4], NOTHING, &WORKFLOW).await?, Vec::<usize>::new());
    assert_eq!(trimmer.gone().await?, Some(trimmer.ids[4].to_string()));
    Ok(())
}

#[tokio::test]
async fn a_group_that_is_missing_holds_everything() -> anyhow::Result<()> {
    let trimmer = Trimmer::start().await?;
    let groups = [Group::Workflow, Group::Forwarder];
    trimmer.read(5).await?;
    for entry in 0..5 {
        trimmer.finish(entry).await?;
    }
    assert_eq!(trimmer.trim(trimmer.ids[4], NOTHING, &groups).await?, [0, 1, 2, 3, 4]);
    Ok(())
}

#[tokio::test]
async fn a_strangers_group_holds_nothing() -> anyhow::Result<()> {
    let trimmer = Trimmer::start().await?;
    trimmer.world.raw::<()>(&["XGROUP", "CREATE", &key("events"), "stranger", "0"]).await?;
    assert_eq!(trimmer.trim(trimmer.ids[2], NOTHING, &[]).await?, [3, 4]);
    Ok(())
}

#[tokio::test]
async fn young_entries_are_kept_for_strangers_up_to_a_number() -> anyhow::Result<()> {
    let trimmer = Trimmer::start().await?;
    let all = trimmer.ids[4];
    let hour = Duration::from_secs(3600);
    assert_eq!(trimmer.trim(all, Retention { age: hour, entries: 9 }, &[]).await?, [0, 1, 2, 3, 4]);
    assert_eq!(trimmer.trim(all, Retention { age: hour, entries: 3 }, &[]).await?, [2, 3, 4]);
    assert_eq!(
        trimmer.trim(trimmer.ids[2], Retention { age: hour, entries: 0 }, &[]).await?,
        [3, 4],
        "the mesh's own readers come first"
    );
    Ok(())
}

#[tokio::test]
async fn changes_are_trimmed_exactly_behind_the_position() -> anyhow::Result<()> {
    let trimmer = Trimmer::start().await?;
    let changes = trimmer.world.ids(Stream::Changes).await?;
    for position in [StreamId::default(), changes[1], changes[1], changes[4]] {
        trimmer.world.redis.trim_changes(&trimmer.collector, position).await?;
        let expected: Vec<_> = changes.iter().copied().filter(|id| *id > position).collect();
        assert_eq!(trimmer.world.ids(Stream::Changes).await?, expected);
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_that_does_not_exist_is_not_trimmed() -> anyhow::Result<()> {
    let trimmer = Trimmer::start().await?;
    trimmer
        .world
        .redis
        .trim(&trimmer.collector, Stream::Profiles, None, NOTHING, &[Group::Dispatcher])
        .await?;
    assert_eq!(trimmer.world.redis.last_id(&trimmer.collector, Stream::Profiles).await?, StreamId::default());
    Ok(())
}
