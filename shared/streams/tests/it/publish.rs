//! What the collector publishes: each version once, ascending, whatever is repeated (§7).

use crate::payload::{Payload, id};
use crate::rows::SNAPSHOT_LIFE;
use crate::world::{P, World, key, tenant};
use tributary_model::{StreamId, TraceContext};
use tributary_streams::{Entry, Known, Publication, Stream, StreamsError, Subject};

fn row(version: StreamId, profile: &str) -> Publication {
    Publication {
        version,
        tenant: tenant(),
        id: profile.into(),
        data: format!("{profile} at {version}").into_bytes(),
        trace: TraceContext { traceparent: format!("trace-{profile}"), tracestate: String::new() },
        historical: false,
    }
}

async fn published(world: &World, stream: Stream) -> anyhow::Result<Vec<Entry>> {
    Ok(world.redis.tail(P, stream, StreamId::default(), 10_000).await?)
}

#[tokio::test]
async fn of_changes_to_two_profiles_in_turn_both_are_published_whole() -> anyhow::Result<()> {
    let world = World::start().await?;
    let fence = world.own("collector").await?;
    for (event, profile) in [("e1", "ann"), ("e2", "bob"), ("e3", "ann")] {
        Payload::of(profile, &[event]).outcomes(&world.redis).await?;
    }
    let changes = world.ids(Stream::Changes).await?;
    // One flush folded all three: ann's version is the last change, bob's the one in the middle.
    let rows = [row(changes[1], "bob"), row(changes[2], "ann")];
    world.redis.publish(&fence, Stream::Profiles, &rows).await?;
    let entries = published(&world, Stream::Profiles).await?;
    let seen: Vec<_> = entries.iter().map(|entry| (entry.id, entry.profile.as_str())).collect();
    assert_eq!(seen, [(changes[1], "bob"), (changes[2], "ann")]);
    assert_eq!(entries[1].data, row(changes[2], "ann").data);
    assert_eq!(entries[1].trace.traceparent, "trace-ann");
    Ok(())
}

#[tokio::test]
async fn what_was_published_before_is_skipped_and_the_rest_is_not() -> anyhow::Result<()> {
    let world = World::start().await?;
    let fence = world.own("collector").await?;
    let at = |n: u64| StreamId::new(1000 + n, 0);
    world.redis.publish(&fence, Stream::Profiles, &[row(at(1), "a"), row(at(3), "b")]).await?;
    // As after a crash, or from a former life: some of it is known, one id lies below what is known.
    let again = [row(at(1), "a"), row(at(2), "late"), row(at(3), "b"), row(at(4), "c")];
    for _ in 0..2 {
        world.redis.publish(&fence, Stream::Profiles, &again).await?;
    }
    let entries = published(&world, Stream::Profiles).await?;
    let names: Vec<_> = entries.iter().map(|entry| entry.profile.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(world.redis.last_id(&fence, Stream::Profiles).await?, at(4));
    Ok(())
}

#[tokio::test]
async fn a_row_that_an_import_alone_has_changed_says_so_beside_its_data() -> anyhow::Result<()> {
    let world = World::start().await?;
    let fence = world.own("collector").await?;
    let at = |n: u64| StreamId::new(1000 + n, 0);
    let imported = |n, profile| Publication { historical: true, ..row(at(n), profile) };
    let rows = [imported(1, "a"), row(at(2), "b"), imported(3, "c")];
    world.redis.publish(&fence, Stream::Profiles, &rows).await?;
    let entries = published(&world, Stream::Profiles).await?;
    let marks: Vec<_> = entries.iter().map(|entry| (entry.profile.as_str(), entry.historical)).collect();
    assert_eq!(marks, [("a", true), ("b", false), ("c", true)]);
    Ok(())
}

#[tokio::test]
async fn a_published_entry_that_was_trimmed_is_not_published_again() -> anyhow::Result<()> {
    let world = World::start().await?;
    let fence = world.own("collector").await?;
    let rows = [row(StreamId::new(7, 0), "ann")];
    world.redis.publish(&fence, Stream::Profiles, &rows).await?;
    world.raw::<()>(&["XTRIM", &key("profiles"), "MAXLEN", "0"]).await?;
    world.redis.publish(&fence, Stream::Profiles, &rows).await?;
    assert_eq!(world.length(Stream::Profiles).await?, 0);
    Ok(())
}

#[tokio::test]
async fn sessions_are_published_under_their_own_name() -> anyhow::Result<()> {
    let world = World::start().await?;
    let fence = world.own("collector").await?;
    assert_eq!(world.redis.last_id(&fence, Stream::Sessions).await?, StreamId::default());
    world.redis.publish(&fence, Stream::Sessions, &[row(StreamId::new(7, 0), "s")]).await?;
    let entries = published(&world, Stream::Sessions).await?;
    assert_eq!((entries[0].session.as_str(), entries[0].profile.as_str()), ("s", ""));
    Ok(())
}

#[tokio::test]
async fn a_large_flush_is_followed_up_in_chunks_that_miss_nothing() -> anyhow::Result<()> {
    let world = World::start().await?;
    let fence = world.own("collector").await?;
    let count = 450;
    for n in 0..count {
        Payload::of(&format!("p{n}"), &[&format!("e{n}")]).outcomes(&world.redis).await?;
    }
    let versions = world.ids(Stream::Changes).await?;
    let subject = |n: usize| Subject::Profile(id(&format!("p{n}")));
    let known = |n: usize| Known { version: versions[n], ..Known::default() };
    let rows: Vec<_> = (0..count).map(|n| (tenant(), subject(n), known(n))).collect();
    world.redis.set_snapshots(&fence, versions[count - 1], &rows, SNAPSHOT_LIFE).await?;
    let publications: Vec<_> = (0..count).map(|n| row(versions[n], &format!("p{n}"))).collect();
    world.redis.publish(&fence, Stream::Profiles, &publications).await?;
    assert_eq!(world.length(Stream::Profiles).await?, count);
    assert_eq!(world.raw::<Vec<String>>(&["KEYS", &key("pending:*")]).await?, Vec::<String>::new());
    assert_eq!(world.raw::<Vec<String>>(&["KEYS", &key("snap:*")]).await?.len(), count);
    Ok(())
}

#[tokio::test]
async fn a_snapshot_takes_along_what_it_contains_and_leaves_the_rest_pending() -> anyhow::Result<()> {
    let world = World::start().await?;
    let fence = world.own("collector").await?;
    Payload::of("ann", &["e1", "e2", "e3"]).outcomes(&world.redis).await?;
    let changes = world.ids(Stream::Changes).await?;
    let rows = [(tenant(), Subject::Profile(id("ann")), Known { version: changes[1], ..Known::default() })];
    world.redis.set_snapshots(&fence, changes[1], &rows, SNAPSHOT_LIFE).await?;
    assert_eq!(world.raw::<usize>(&["LLEN", &key("pending:p:demo:ann")]).await?, 1);
    assert_eq!(world.raw::<String>(&["GET", &key("trimmed")]).await?, changes[1].to_string());
    assert_eq!(world.raw::<i64>(&["PTTL", &key("trimmed")]).await?, -1, "the horizon never expires");
    assert!(world.raw::<i64>(&["PTTL", &key("snap:p:demo:ann")]).await? > 0);

    // A repeat of an older flush takes neither the snapshot nor the horizon back.
    let newer = [(tenant(), Subject::Profile(id("ann")), Known { version: changes[2], ..Known::default() })];
    world.redis.set_snapshots(&fence, changes[2], &newer, SNAPSHOT_LIFE).await?;
    let before = world.everything().await?;
    world.redis.set_snapshots(&fence, changes[1], &rows, SNAPSHOT_LIFE).await?;
    assert_eq!(world.everything().await?, before);
    Ok(())
}

#[tokio::test]
async fn damaged_keys_refuse_snapshots_and_publication_as_a_whole() -> anyhow::Result<()> {
    let world = World::start().await?;
    let fence = world.own("collector").await?;
    Payload::of("ann", &["e1"]).outcomes(&world.redis).await?;
    Payload::of("bob", &["e2"]).outcomes(&world.redis).await?;
    let position = *world.ids(Stream::Changes).await?.last().expect("two");
    let rows = ["ann", "bob"].map(|name| (tenant(), Subject::Profile(id(name)), Known::default()));
    for name in ["snap:p:demo:bob", "profiles"] {
        world.raw::<()>(&["SET", &key(name), "damaged"]).await?;
    }
    let before = world.everything().await?;
    let snapshots = world.redis.set_snapshots(&fence, position, &rows, SNAPSHOT_LIFE).await;
    assert!(matches!(snapshots, Err(StreamsError::Broken(_))), "{snapshots:?}");
    let publication = world.redis.publish(&fence, Stream::Profiles, &[row(position, "ann")]).await;
    assert!(matches!(publication, Err(StreamsError::Broken(_))), "{publication:?}");
    assert_eq!(world.everything().await?, before);
    Ok(())
}
