//! A commit happens once, whoever sends it how often, and wholly or not at all (§6).

use crate::payload::{Payload, change_set, id};
use crate::world::{P, World, key, seen, tenant};
use std::time::Duration;
use tributary_model::{EventId, StreamId, TraceContext};
use tributary_streams::{
    Committed, Effect, Ending, Fence, From, Gate, Group, Handed, RunCommit, RunCommitted, Stream,
    StreamsError, Subject,
};

const WINDOW: Duration = Duration::from_secs(3600);

/// A workflow owner with one entry in hand.
pub(crate) struct Owner {
    pub(crate) world: World,
    pub(crate) fence: Fence,
    pub(crate) entry: StreamId,
}

impl Owner {
    pub(crate) async fn with_event(event: &str) -> anyhow::Result<Self> {
        let world = World::start().await?;
        world.redis.ensure_group(P, Group::Workflow).await?;
        let fence = world.own("workflow").await?;
        let mut owner = Self { world, fence, entry: StreamId::default() };
        owner.entry = owner.next(event).await?;
        Ok(owner)
    }

    /// Appends one more event and reads it.
    pub(crate) async fn next(&self, event: &str) -> anyhow::Result<StreamId> {
        let redis = &self.world.redis;
        Payload::of("ann", &[event]).outcomes(redis).await?;
        let handed = redis.read_group(&self.fence, Group::Workflow, From::New, 1).await?;
        anyhow::ensure!(handed.len() == 1, "{handed:?}");
        Ok(handed[0].entry.id)
    }

    pub(crate) async fn commit(&self, effects: &[Effect]) -> Result<Committed, StreamsError> {
        self.commit_entry(self.entry, effects, &TraceContext::default()).await
    }

    pub(crate) async fn commit_entry(
        &self,
        entry: StreamId,
        effects: &[Effect],
        trace: &TraceContext,
    ) -> Result<Committed, StreamsError> {
        self.world.redis.commit(&self.fence, Group::Workflow, entry, &tenant(), effects, trace).await
    }

    pub(crate) async fn commit_run(
        &self,
        gate: Gate<'_>,
        event_type: Option<&str>,
        effects: &[Effect],
    ) -> Result<RunCommitted, StreamsError> {
        let (looked, event_type) = (event_type.is_none(), event_type.unwrap_or_default());
        let (tenant, profile, trace) = (&tenant(), &id("ann"), &TraceContext::default());
        let commit = RunCommit { gate, tenant, profile, looked, event_type, effects, trace };
        self.world.redis.commit_run(&self.fence, &commit).await
    }

    /// The gate of an entry of the owner's.
    pub(crate) fn gate(entry: StreamId) -> Gate<'static> {
        Gate::Entry { group: Group::Workflow, entry }
    }

    pub(crate) async fn pending(&self) -> anyhow::Result<Vec<Handed>> {
        let start = From::Pending(StreamId::default());
        Ok(self.world.redis.read_group(&self.fence, Group::Workflow, start, 9).await?)
    }
}

/// An end with an outcome, announced.
pub(crate) fn seen_as(event: EventId, entry: StreamId, ending: Ending) -> Effect {
    Effect::Seen { event, entry, ending, outcome: b"an outcome".to_vec(), announce: true, life: WINDOW }
}

/// One effect of every kind that an event can have.
pub(crate) fn all_effects(event: &str, entry: StreamId) -> Vec<Effect> {
    let event_id = EventId::new(event).expect("tests use short ids");
    vec![
        Effect::Changes {
            subject: Subject::Profile(id("ann")),
            cause: format!("{event}/2"),
            set: change_set(&format!("{event}-by-workflow"), &id("ann")),
        },
        Effect::Mark { cause: format!("{event}/2"), set: b"nothing".to_vec() },
        Effect::Forward {
            event: EventId::new(format!("{event}-derived")).expect("tests use short ids"),
            profile: id("bob"),
            request: b"a request".to_vec(),
        },
        Effect::Dead(b"a letter".to_vec()),
        seen_as(event_id, entry, Ending::Done),
        Effect::Debounce {
            timer: "timer".into(),
            quiet: Duration::from_secs(60),
            longest: Duration::from_secs(600),
            version: entry,
            fields: vec![("profile", "ann".into())],
        },
        Effect::Pause {
            timer: "pause".into(),
            profile: id("ann"),
            delay: Duration::from_secs(60),
            awaits: vec!["purchase".into()],
            fields: vec![("state", b"kept".to_vec())],
        },
        Effect::Deliver { timer: "direct".into(), fields: vec![("key", "k".into())] },
        Effect::Forget { event: EventId::new(event).expect("tests use short ids") },
    ]
}

#[tokio::test]
async fn a_commit_whose_reply_was_lost_is_there_once_after_its_repeat() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let effects = all_effects("e1", owner.entry);
    assert_eq!(owner.commit(&effects).await?, Committed::Done);
    let after = owner.world.everything().await?;
    for _ in 0..3 {
        assert_eq!(owner.commit(&effects).await?, Committed::Already);
    }
    assert_eq!(owner.world.everything().await?, after);
    assert_eq!(owner.pending().await?, []);
    Ok(())
}

#[tokio::test]
async fn an_entry_that_was_never_handed_out_cannot_be_finished() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    Payload::of("ann", &["e2"]).outcomes(&owner.world.redis).await?;
    let unread = *owner.world.ids(Stream::Events).await?.last().expect("e2 is there");
    let dead = [Effect::Dead(Vec::new())];
    let outcome = owner.commit_entry(unread, &dead, &TraceContext::default()).await?;
    assert_eq!(outcome, Committed::Already);
    assert_eq!(owner.world.length(Stream::Dead).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_damaged_key_refuses_the_whole_commit_and_leaves_the_entry_pending() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let world = &owner.world;
    let effects = all_effects("e1", owner.entry);
    let damage = [
        ("changes", "stream"),
        ("forward", "stream"),
        ("dead", "stream"),
        ("timers:workflow", "zset"),
        ("timer:timer", "hash"),
        ("pending:p:demo:ann", "list"),
        ("seen:demo:e1", "string"),
        ("timer:pause", "hash"),
        ("paused:demo:ann", "hash"),
        ("timer:direct", "hash"),
        ("timers:dispatcher", "zset"),
    ];
    for (name, kind) in damage {
        let damaged = key(name);
        let aside = key("aside");
        let existed: bool = world.raw(&["EXISTS", &damaged]).await?;
        if existed {
            world.raw::<()>(&["RENAME", &damaged, &aside]).await?;
        }
        let wrong = if kind == "string" { ["RPUSH", &damaged, "x"] } else { ["SET", &damaged, "x"] };
        world.raw::<()>(&wrong).await?;
        let before = world.everything().await?;

        let refused = owner.commit(&effects).await;
        assert!(matches!(refused, Err(StreamsError::Broken(_))), "{name}: {refused:?}");

        assert_eq!(world.everything().await?, before, "{name}");
        world.raw::<()>(&["DEL", &damaged]).await?;
        if existed {
            world.raw::<()>(&["RENAME", &aside, &damaged]).await?;
        }
    }
    assert_eq!(owner.pending().await?.len(), 1);
    assert_eq!(owner.commit(&effects).await?, Committed::Done, "the repaired slot takes it");
    Ok(())
}

#[tokio::test]
async fn an_end_is_noted_for_the_entry_it_belongs_to_and_no_other() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let world = &owner.world;
    let end = |entry, ending| seen_as(EventId::new("e1").expect("an id"), entry, ending);
    let appended = world.ids(Stream::Changes).await?[0];
    let found = async || world.raw::<Option<String>>(&["GET", &seen("e1")]).await;

    owner.commit(&[end(owner.entry, Ending::Done)]).await?;
    assert_eq!(found().await?, Some(format!("{} DONE {appended} an outcome", owner.entry)));

    // The id was used again after its window, while this run was still waiting.
    let late = owner.next("e2").await?;
    owner.commit_entry(late, &[end(late, Ending::Dead)], &TraceContext::default()).await?;
    assert_eq!(found().await?, Some(format!("{} DONE {appended} an outcome", owner.entry)));

    // The window has ended: whoever still waits finds the end.
    world.raw::<()>(&["DEL", &seen("e1")]).await?;
    let last = owner.next("e3").await?;
    owner.commit_entry(last, &[end(last, Ending::Dead)], &TraceContext::default()).await?;
    assert_eq!(found().await?, Some(format!("{last} DEAD 0-0 an outcome")));
    Ok(())
}
