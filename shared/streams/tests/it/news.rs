//! Waiting for entries costs no polling and misses none (§6).

use crate::payload::Payload;
use crate::world::{LONG, P, SOON, World};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tributary_model::{PartitionId, StreamId};
use tributary_streams::{Stream, Watch};

const START: StreamId = StreamId::new(0, 0);
const OTHER: PartitionId = PartitionId(1);

#[tokio::test]
async fn an_append_ends_the_wait() -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut news = world.redis.news();
    let watched = [(OTHER, Stream::Events, START), (P, Stream::Events, START)];
    let begun = Instant::now();
    let (found, appended) = tokio::join!(news.wait(&watched, LONG), async {
        Payload::of("ann", &["e1"]).outcomes(&world.redis).await
    });
    appended?;
    let ids = world.ids(Stream::Events).await?;
    assert_eq!(found?, [(P, Stream::Events, ids[0])]);
    assert!(begun.elapsed() < SOON);
    Ok(())
}

#[tokio::test]
async fn without_news_the_wait_ends_empty_when_its_time_is_over() -> anyhow::Result<()> {
    let world = World::start().await?;
    Payload::of("ann", &["e1"]).outcomes(&world.redis).await?;
    let last = *world.ids(Stream::Events).await?.last().expect("one");
    let mut news = world.redis.news();
    let longest = Duration::from_millis(100);
    let begun = Instant::now();
    assert_eq!(news.wait(&[(P, Stream::Events, last)], longest).await?, []);
    assert!(begun.elapsed() >= longest);
    Ok(())
}

#[tokio::test]
async fn what_came_before_the_wait_is_news_if_it_lies_above_the_position() -> anyhow::Result<()> {
    let world = World::start().await?;
    Payload::of("ann", &["e1", "e2"]).outcomes(&world.redis).await?;
    let ids = world.ids(Stream::Events).await?;
    let mut news = world.redis.news();
    assert_eq!(news.wait(&[(P, Stream::Events, ids[0])], LONG).await?, [(P, Stream::Events, ids[1])]);
    Ok(())
}

#[tokio::test]
async fn a_wait_that_was_broken_off_does_not_answer_the_next_one() -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut news = world.redis.news();
    let events = [(P, Stream::Events, START)];
    let broken_off = tokio::time::timeout(Duration::from_millis(50), news.wait(&events, LONG)).await;
    assert!(broken_off.is_err());
    Payload::of("ann", &["e1"]).outcomes(&world.redis).await?;
    let profiles = [(P, Stream::Profiles, START)];
    assert_eq!(news.wait(&profiles, Duration::from_millis(50)).await?, []);
    Ok(())
}

#[tokio::test]
async fn one_watcher_tells_each_stream_its_own_news_and_once() -> anyhow::Result<()> {
    let world = World::start().await?;
    let watch = Arc::new(Watch::default());
    let stopping = CancellationToken::new();
    let running = watch.clone().run(world.redis.clone(), stopping.clone());
    let waiting = async {
        let (here, elsewhere) =
            (watch.watch(P, Stream::Events, START), watch.watch(OTHER, Stream::Events, START));
        Payload::of("ann", &["e1", "e2", "e3"]).outcomes(&world.redis).await?;
        tokio::select! {
            () = here.news(LONG) => {}
            () = elsewhere.news(LONG) => anyhow::bail!("nothing came there"),
        }
        let (begun, short) = (Instant::now(), Duration::from_millis(400));
        here.news(short).await;
        anyhow::ensure!(begun.elapsed() >= short, "told twice of the same entries");
        stopping.cancel();
        Ok(())
    };
    let (outcome, ()) = tokio::time::timeout(SOON, async { tokio::join!(waiting, running) }).await?;
    outcome
}
