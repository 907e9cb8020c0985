//! What somebody waits for is recorded with the event, and what it came to is found by every attempt (§4.3, §6).

use crate::commit::Owner;
use crate::payload::{Payload, change_set, id, session_id};
use crate::world::{P, World, tenant};
use std::time::Duration;
use tributary_model::{EventId, StreamId};
use tributary_streams::{AppendedEvent, Awaited, Effect, Ending, Progress, Retention, Stream, Subject};

const NOW: Retention = Retention { age: Duration::ZERO, entries: 0 };

fn end(event: &str, entry: StreamId, outcome: &[u8]) -> Effect {
    let event = EventId::new(event).expect("tests use short ids");
    let (outcome, life) = (outcome.to_vec(), Duration::from_secs(60));
    Effect::Seen { event, entry, ending: Ending::Done, outcome, announce: false, life }
}

async fn progress(world: &World, event: &str) -> anyhow::Result<Progress> {
    Ok(world.redis.progress(P, &tenant(), &EventId::new(event)?).await?)
}

#[tokio::test]
async fn an_entry_says_what_is_awaited_of_it() -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut payload = Payload::of("ann", &["e1", "e2", "e3"]).creating();
    payload.events[1].unit.awaited = Awaited::Waits;
    payload.events[2].unit.awaited = Awaited::Runs;
    payload.outcomes(&world.redis).await?;
    let entries = world.redis.tail(P, Stream::Events, StreamId::default(), 9).await?;
    let awaited: Vec<Awaited> = entries.iter().map(|entry| entry.awaited).collect();
    assert_eq!(awaited, [Awaited::No, Awaited::No, Awaited::Waits, Awaited::Runs]);
    Ok(())
}

#[tokio::test]
async fn a_duplicate_says_which_entry_it_is_and_what_version_it_made() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let world = &owner.world;
    let again = async || Payload::of("ann", &["e1"]).outcomes(&world.redis).await;
    let appended = world.ids(Stream::Changes).await?[0];
    let duplicate = |version| vec![AppendedEvent::Duplicate { entry: owner.entry, version }];
    assert_eq!(again().await?, duplicate(appended));

    let subject = Subject::Profile(id("ann"));
    let changes = Effect::Changes { subject, cause: "e1/2".into(), set: change_set("w", &id("ann")) };
    // The end is written with the version, wherever it stands among the effects.
    owner.commit(&[end("e1", owner.entry, &vec![b'x'; 10_000]), changes]).await?;
    let changed = world.ids(Stream::Changes).await?[1];
    assert_eq!(again().await?, duplicate(changed));

    let both = Payload::of("bob", &["e2", "e2"]).outcomes(&world.redis).await?;
    let [AppendedEvent::Accepted { entry, profile_version, .. }, second] = both.as_slice() else {
        anyhow::bail!("{both:?}")
    };
    assert_eq!(*second, AppendedEvent::Duplicate { entry: *entry, version: *profile_version });
    Ok(())
}

#[tokio::test]
async fn an_outcome_comes_back_byte_for_byte() -> anyhow::Result<()> {
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    for outcome in [b"".as_slice(), b" ", b" a  b ", b"\0\n\r", &bytes] {
        let owner = Owner::with_event("e1").await?;
        owner.commit(&[end("e1", owner.entry, outcome)]).await?;
        let version = owner.world.ids(Stream::Changes).await?[0];
        let expected =
            Progress::Ended { entry: owner.entry, ending: Ending::Done, version, outcome: outcome.to_vec() };
        assert_eq!(progress(&owner.world, "e1").await?, expected);
    }
    Ok(())
}

#[tokio::test]
async fn an_end_without_changes_names_the_version_that_the_append_made() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    Payload::of("ann", &["e2"]).in_session("s").outcomes(&owner.world.redis).await?;
    let entries = owner.world.redis.tail(P, Stream::Changes, StreamId::default(), 9).await?;
    let of_profile = entries.iter().find(|entry| entry.cause == "e2/1" && entry.session.is_empty());
    let of_profile = of_profile.expect("it was appended").id;
    let event = *owner.world.ids(Stream::Events).await?.last().expect("two were appended");
    let of_session = Effect::Changes {
        subject: Subject::Session { session: session_id("s"), origin: id("ann") },
        cause: "e2/2".into(),
        set: change_set("w", &id("ann")),
    };
    let mark = Effect::Mark { cause: "e2/2".into(), set: Vec::new() };
    owner.commit(&[of_session, mark, end("e2", event, b"")]).await?;
    let Progress::Ended { version, .. } = progress(&owner.world, "e2").await? else {
        anyhow::bail!("no end")
    };
    assert_eq!(version, of_profile);
    Ok(())
}

#[tokio::test]
async fn what_a_former_release_left_in_seen_is_understood() -> anyhow::Result<()> {
    let owner = Owner::with_event("e1").await?;
    let world = &owner.world;
    let seen = crate::world::seen("e1");
    let (entry, version) = (owner.entry, StreamId::default());
    world.raw::<()>(&["SET", &seen, &format!("{entry} WAITING")]).await?;
    assert_eq!(progress(world, "e1").await?, Progress::Waiting { entry });
    let again = Payload::of("ann", &["e1"]).outcomes(&world.redis).await?;
    assert_eq!(again, [AppendedEvent::Duplicate { entry, version }]);
    owner.commit(&[end("e1", entry, b"")]).await?;
    let ended = Progress::Ended { entry, ending: Ending::Done, version, outcome: Vec::new() };
    assert_eq!(progress(world, "e1").await?, ended);
    world.raw::<()>(&["SET", &seen, &format!("{entry} DEAD")]).await?;
    let ended = Progress::Ended { entry, ending: Ending::Dead, version, outcome: Vec::new() };
    assert_eq!(progress(world, "e1").await?, ended);
    Ok(())
}

#[tokio::test]
async fn what_is_stored_is_told_after_each_flush_and_never_taken_back() -> anyhow::Result<()> {
    let world = World::start().await?;
    let fence = world.own("collector").await?;
    let stored = async || world.redis.stored(P).await;
    assert_eq!(stored().await?, StreamId::default());
    let at = |ms| StreamId::new(ms, 9);
    world.redis.trim_changes(&fence, at(5)).await?;
    assert_eq!(stored().await?, at(5), "also where there is nothing to trim");
    Payload::of("ann", &["e1"]).outcomes(&world.redis).await?;
    let last = world.ids(Stream::Changes).await?[0];
    world.redis.trim_changes(&fence, last).await?;
    assert_eq!(stored().await?, last);
    world.redis.trim_changes(&fence, at(7)).await?;
    assert_eq!(stored().await?, last, "a repeat of an older flush");
    world.redis.trim(&fence, Stream::Events, Some(StreamId::MAX), NOW, &[]).await?;
    assert_eq!(stored().await?, last, "what is trimmed elsewhere says nothing of changes");
    Ok(())
}
