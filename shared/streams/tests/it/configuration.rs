//! How a configuration travels (§12): only forward, prepared once, kept when it cannot be replaced, and reported.

use crate::world::{SOON, World};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tributary_servers::poll;
use tributary_streams::{Live, Redis, StageReport};

/// A stage that prepares a revision by reading its text, and is without a secret for some of them.
#[derive(Clone, Default)]
struct Stage {
    broken: Arc<Mutex<BTreeSet<String>>>,
    prepared: Arc<AtomicUsize>,
}

impl Stage {
    fn without_the_secret_of(texts: &[&str]) -> Self {
        let stage = Self::default();
        stage.broken().extend(texts.iter().map(|text| (*text).to_owned()));
        stage
    }

    fn broken(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn start(&self, redis: &Redis) -> anyhow::Result<Arc<Live<String>>> {
        let stage = self.clone();
        let live = Live::start(redis.clone(), "ingest", move |bytes| {
            stage.prepared.fetch_add(1, Ordering::Relaxed);
            let text = String::from_utf8_lossy(bytes).into_owned();
            if stage.broken().contains(&text) { Err(format!("no secret for {text}")) } else { Ok(text) }
        });
        Ok(tokio::time::timeout(SOON, live).await??)
    }

    fn count(&self) -> usize {
        self.prepared.load(Ordering::Relaxed)
    }
}

/// A task that follows, until it is stopped.
struct Following {
    task: JoinSet<()>,
    stopping: CancellationToken,
}

impl Following {
    fn start(live: &Arc<Live<String>>) -> Self {
        let (mut task, stopping) = (JoinSet::new(), CancellationToken::new());
        task.spawn(live.clone().follow(stopping.clone()));
        Self { task, stopping }
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        self.stopping.cancel();
        tokio::time::timeout(SOON, self.task.join_next()).await?;
        Ok(())
    }
}

async fn eventually_runs(live: &Live<String>, text: &str) -> anyhow::Result<()> {
    let runs = poll(SOON, async || match live.current() {
        running if *running == text => Ok(()),
        running => Err((*running).clone()),
    });
    runs.await.map_err(anyhow::Error::msg)
}

/// Waits for one report that is as wanted.
async fn eventually_reports(
    redis: &Redis,
    number: u64,
    problem: Option<&str>,
) -> anyhow::Result<StageReport> {
    let reported = poll(SOON, async || match redis.stage_reports().await.as_deref() {
        Ok([report]) if report.number == number && report.problem.as_deref() == problem => Ok(report.clone()),
        reports => Err(format!("{reports:?}")),
    });
    reported.await.map_err(anyhow::Error::msg)
}

#[tokio::test]
async fn a_revision_is_published_only_forward_and_the_newest_sixteen_are_kept() -> anyhow::Result<()> {
    let world = World::start().await?;
    let redis = &world.redis;
    assert_eq!(redis.newest_config().await?, None);
    assert!(redis.publish_config(9, b"nine").await?);
    for late in [8, 9] {
        assert!(!redis.publish_config(late, b"late").await?);
    }
    assert_eq!(redis.newest_config().await?, Some(9));
    assert_eq!(redis.config_bytes(9).await?.as_deref(), Some(b"nine".as_slice()));
    assert_eq!(redis.config_bytes(8).await?, None);

    for number in 10..=30 {
        assert!(redis.publish_config(number, &[0, 255]).await?);
    }
    for number in 1..=40 {
        let is_there = redis.config_bytes(number).await?.is_some();
        assert_eq!(is_there, (15..=30).contains(&number), "{number}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_waits_for_a_first_configuration_and_says_that_it_has_none() -> anyhow::Result<()> {
    let world = World::start().await?;
    let stage = Stage::without_the_secret_of(&["one"]);
    let redis = &world.redis;
    let (live, reported) = tokio::join!(stage.start(redis), async {
        eventually_reports(redis, 0, None).await?;
        redis.publish_config(1, b"one").await?;
        eventually_reports(redis, 0, Some("revision 1: no secret for one")).await?;
        Ok::<_, anyhow::Error>(redis.publish_config(2, b"two").await?)
    });
    assert!(reported?);
    assert_eq!(*live?.current(), "two");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_revision_is_taken_and_reported_within_a_second() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.redis.publish_config(1, b"one").await?;
    let live = Stage::default().start(&world.redis).await?;
    let following = Following::start(&live);
    let begun = Instant::now();
    world.redis.publish_config(2, b"two").await?;
    let report = eventually_reports(&world.redis, 2, None).await?;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!((report.stage.as_str(), live.current().as_str()), ("ingest", "two"));
    following.stop().await?;
    assert_eq!(world.redis.stage_reports().await?, [], "a process that ends withdraws its report");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_knows_of_a_newer_revision_gets_it_at_once_and_it_is_prepared_once() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.redis.publish_config(1, b"one").await?;
    let stage = Stage::default();
    // Nobody follows: only the callers look.
    let live = stage.start(&world.redis).await?;
    assert_eq!(*live.at_least(0).await, "one");
    world.redis.publish_config(5, b"five").await?;
    assert_eq!(*live.at_least(1).await, "one", "what runs is enough");
    let callers = (0..64).map(|_| live.at_least(4));
    for got in futures::future::join_all(callers).await {
        assert_eq!(*got, "five");
    }
    assert_eq!(stage.count(), 2);
    assert_eq!(*live.at_least(99).await, "five", "what does not exist is not waited for");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_cannot_be_used_keeps_the_last_and_is_tried_again() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.redis.publish_config(1, b"one").await?;
    let stage = Stage::without_the_secret_of(&["three"]);
    let live = stage.start(&world.redis).await?;
    let following = Following::start(&live);
    world.redis.publish_config(3, b"three").await?;
    eventually_reports(&world.redis, 1, Some("revision 3: no secret for three")).await?;
    for _ in 0..100 {
        assert_eq!(*live.at_least(3).await, "one");
    }
    assert!(stage.count() < 10, "it was tried {} times at once", stage.count());
    stage.broken().clear();
    eventually_runs(&live, "three").await?;
    eventually_reports(&world.redis, 3, None).await?;
    following.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_broken_newest_the_one_asked_for_is_found() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.redis.publish_config(1, b"one").await?;
    let live = Stage::without_the_secret_of(&["three"]).start(&world.redis).await?;
    world.redis.publish_config(2, b"two").await?;
    world.redis.publish_config(3, b"three").await?;
    assert_eq!(*live.at_least(2).await, "two");
    assert_eq!(*live.current(), "two");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_starts_behind_a_broken_newest_runs_the_last_that_works() -> anyhow::Result<()> {
    let world = World::start().await?;
    for (number, text) in [(1, "one"), (2, "two"), (3, "three"), (4, "four")] {
        world.redis.publish_config(number, text.as_bytes()).await?;
    }
    let live = Stage::without_the_secret_of(&["four", "three"]).start(&world.redis).await?;
    assert_eq!(*live.current(), "two");
    let following = Following::start(&live);
    eventually_reports(&world.redis, 2, Some("revision 4: no secret for four")).await?;
    following.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_events_own_revision_is_found_and_no_other_is_taken_for_it() -> anyhow::Result<()> {
    let world = World::start().await?;
    for (number, text) in [(1, "one"), (2, "two"), (3, "three")] {
        world.redis.publish_config(number, text.as_bytes()).await?;
    }
    let stage = Stage::without_the_secret_of(&["two"]);
    let live = stage.start(&world.redis).await?;
    let at = async |number| live.at(number).await.map(|found| found.map(|text| (*text).clone()));
    assert_eq!(at(3).await?.as_deref(), Some("three"));
    assert_eq!(at(1).await?.as_deref(), Some("one"));
    assert_eq!(at(1).await?.as_deref(), Some("one"));
    assert_eq!(stage.count(), 2, "an older one is prepared once too");
    for unknown in [0, 2, 4] {
        assert_eq!(at(unknown).await?, None, "{unknown}");
    }
    assert_eq!(*live.current(), "three");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preparing_may_panic_and_ends_nothing() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.redis.publish_config(1, b"one").await?;
    let prepare = |bytes: &[u8]| {
        assert_ne!(bytes, b"two", "a defect; this test wants it");
        Ok(String::from_utf8_lossy(bytes).into_owned())
    };
    let live = Live::start(world.redis.clone(), "ingest", prepare).await?;
    world.redis.publish_config(2, b"two").await?;
    assert_eq!(*live.at_least(2).await, "one");
    world.redis.publish_config(3, b"three").await?;
    assert_eq!(*live.at_least(3).await, "three");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_away_or_comes_back_empty_changes_nothing_that_runs() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.redis.publish_config(7, b"seven").await?;
    let live = Stage::default().start(&world.redis).await?;
    let following = Following::start(&live);
    // This server keeps no file: it comes back empty.
    world.server.kill();
    assert_eq!(*live.at_least(8).await, "seven");
    assert!(live.at(6).await.is_err(), "whether it can be had is not known");
    world.server.restart().await?;
    eventually_reports(&world.redis, 7, None).await?;
    world.redis.publish_config(6, b"a number from before").await?;
    world.redis.publish_config(7, b"seven again").await?;
    world.redis.publish_config(8, b"eight").await?;
    eventually_runs(&live, "eight").await?;
    following.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_of_processes_that_were_killed_are_not_counted_and_go() -> anyhow::Result<()> {
    let world = World::start().await?;
    let now: Vec<u64> = world.raw(&["TIME"]).await?;
    let seen = |seconds: u64| format!("{} 4 a problem", (now[0] - seconds) * 1000);
    for (process, ago) in [("ingest/lately", 0), ("workflow/gone", 5), ("collector/forgotten", 90)] {
        world.raw::<()>(&["HSET", REPORTS, process, &seen(ago)]).await?;
    }
    let report = StageReport {
        stage: "ingest".to_owned(),
        instance: "lately".to_owned(),
        number: 4,
        problem: Some("a problem".to_owned()),
    };
    assert_eq!(world.redis.stage_reports().await?, [report]);
    // Whoever is new tidies up.
    world.redis.publish_config(1, b"one").await?;
    Stage::default().start(&world.redis).await?;
    let mut left: Vec<String> = world.raw(&["HKEYS", REPORTS]).await?;
    left.retain(|process| !process.starts_with("ingest/") || process == "ingest/lately");
    left.sort_unstable();
    assert_eq!(left, ["ingest/lately", "workflow/gone"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_goes_on_is_seen_for_longer_than_one_report_counts() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.redis.publish_config(1, b"one").await?;
    let live = Stage::default().start(&world.redis).await?;
    let following = Following::start(&live);
    let process = format!("ingest/{}", eventually_reports(&world.redis, 1, None).await?.instance);
    // As if the last renewal were older than what counts.
    let renewed = |report: &str| report.split(' ').next().and_then(|seen| seen.parse::<u64>().ok());
    let report: String = world.raw(&["HGET", REPORTS, &process]).await?;
    let before = renewed(&report).ok_or_else(|| anyhow::anyhow!("{report}"))? - 3_500;
    world.raw::<()>(&["HSET", REPORTS, &process, &format!("{before} 1 ")]).await?;
    eventually_reports(&world.redis, 1, None).await?;
    following.stop().await
}

/// Spelled as it lies in Redis.
const REPORTS: &str = "{mesh}:config:stages";
