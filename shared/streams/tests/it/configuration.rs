//! How a configuration travels (§12): only forward, prepared once, kept when it cannot be replaced, and reported.

use crate::world::{SOON, World};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tributary_servers::poll;
use tributary_streams::{Live, Prepared, Redis, StageReport};

/// A stage that prepares a revision by reading its text. It refuses some of them, and is without a secret for others.
#[derive(Clone, Default)]
struct Stage {
    refused: Texts,
    without_secret: Texts,
    prepared: Arc<AtomicUsize>,
}

#[derive(Clone, Default)]
struct Texts(Arc<Mutex<BTreeSet<String>>>);

impl Texts {
    fn of(texts: &[&str]) -> Self {
        Self(Arc::new(Mutex::new(texts.iter().map(|text| (*text).to_owned()).collect())))
    }

    fn get(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stage {
    fn refusing(texts: &[&str]) -> Self {
        Self { refused: Texts::of(texts), ..Self::default() }
    }

    fn without_the_secret_of(texts: &[&str]) -> Self {
        Self { without_secret: Texts::of(texts), ..Self::default() }
    }

    async fn start(&self, redis: &Redis) -> anyhow::Result<Arc<Live<String>>> {
        let stage = self.clone();
        let live = Live::start(redis.clone(), "ingest", move |bytes| {
            stage.prepared.fetch_add(1, Ordering::Relaxed);
            let text = String::from_utf8_lossy(bytes).into_owned();
            if stage.refused.get().contains(&text) {
                return Err(format!("no kind for {text}"));
            }
            let problem = format!("demo: no secret for {text}");
            let problems = stage.without_secret.get().contains(&text).then_some(problem);
            Ok(Prepared {
                revision: format!("id-of-{text}"),
                value: text,
                problems: problems.into_iter().collect(),
            })
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
async fn a_revision_is_published_only_forward_and_the_newest_thirty_two_are_kept() -> anyhow::Result<()> {
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

    for number in 10..=46 {
        assert!(redis.publish_config(number, &[0, 255]).await?);
    }
    for number in 1..=50 {
        let is_there = redis.config_bytes(number).await?.is_some();
        assert_eq!(is_there, (15..=46).contains(&number), "{number}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_waits_for_a_first_configuration_and_says_that_it_has_none() -> anyhow::Result<()> {
    let world = World::start().await?;
    let stage = Stage::refusing(&["one"]);
    let redis = &world.redis;
    let (live, reported) = tokio::join!(stage.start(redis), async {
        eventually_reports(redis, 0, None).await?;
        redis.publish_config(1, b"one").await?;
        eventually_reports(redis, 0, Some("-: no kind for one")).await?;
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
    let stage = Stage::refusing(&["three"]);
    let live = stage.start(&world.redis).await?;
    let following = Following::start(&live);
    world.redis.publish_config(3, b"three").await?;
    let report = eventually_reports(&world.redis, 1, Some("-: no kind for three")).await?;
    assert_eq!((report.revision.as_str(), report.problem_number), ("id-of-one", 3));
    for _ in 0..100 {
        assert_eq!(*live.at_least(3).await, "one");
    }
    assert!(stage.count() < 10, "it was tried {} times at once", stage.count());
    stage.refused.get().clear();
    eventually_runs(&live, "three").await?;
    eventually_reports(&world.redis, 3, None).await?;
    following.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_lacks_a_secret_runs_is_reported_and_mends_by_itself() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.redis.publish_config(1, b"one").await?;
    let stage = Stage::without_the_secret_of(&["two"]);
    let live = stage.start(&world.redis).await?;
    let following = Following::start(&live);
    world.redis.publish_config(2, b"two").await?;
    let report = eventually_reports(&world.redis, 2, Some("demo: no secret for two")).await?;
    assert_eq!((report.revision.as_str(), report.problem_number), ("id-of-two", 2));
    assert_eq!(*live.current(), "two");
    // Nothing has to be read for it but the secret.
    world.raw::<()>(&["HDEL", CONFIG, "2"]).await?;
    stage.without_secret.get().clear();
    eventually_reports(&world.redis, 2, None).await?;
    let mended = stage.count();
    world.redis.publish_config(3, b"three").await?;
    eventually_reports(&world.redis, 3, None).await?;
    assert_eq!(stage.count(), mended + 1, "what is well is not prepared again");
    following.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_mends_while_a_newer_one_is_refused() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.redis.publish_config(1, b"one").await?;
    let stage = Stage { refused: Texts::of(&["two"]), ..Stage::without_the_secret_of(&["one"]) };
    let live = stage.start(&world.redis).await?;
    let following = Following::start(&live);
    eventually_reports(&world.redis, 1, Some("demo: no secret for one")).await?;
    world.redis.publish_config(2, b"two").await?;
    eventually_reports(&world.redis, 1, Some("-: no kind for two")).await?;
    let (before, begun) = (live.current(), Instant::now());
    stage.without_secret.get().clear();
    let mended = poll(SOON, async || match Arc::ptr_eq(&before, &live.current()) {
        false => Ok(()),
        true => Err(format!("the same after {:?}", begun.elapsed())),
    });
    mended.await.map_err(anyhow::Error::msg)?;
    following.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_broken_newest_the_one_asked_for_is_found() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.redis.publish_config(1, b"one").await?;
    let live = Stage::refusing(&["three"]).start(&world.redis).await?;
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
    let live = Stage::refusing(&["four", "three"]).start(&world.redis).await?;
    assert_eq!(*live.current(), "two");
    let following = Following::start(&live);
    eventually_reports(&world.redis, 2, Some("-: no kind for four")).await?;
    following.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_events_own_revision_is_found_and_no_other_is_taken_for_it() -> anyhow::Result<()> {
    let world = World::start().await?;
    for (number, text) in [(1, "one"), (2, "two"), (3, "three")] {
        world.redis.publish_config(number, text.as_bytes()).await?;
    }
    let stage = Stage::refusing(&["two"]);
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
        Ok(Prepared::whole("id", String::from_utf8_lossy(bytes).into_owned()))
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
    let now: Vec<i64> = world.raw(&["TIME"]).await?;
    let seen = |seconds: i64| format!("{} 4 4-abc 5 demo: a problem", (now[0] - seconds) * 1000);
    // The last two were seen by a clock that was set back since.
    let processes = [
        ("ingest/lately", 0),
        ("workflow/gone", 5),
        ("collector/forgotten", 90),
        ("workflow/ahead", -5),
        ("collector/far-ahead", -90),
    ];
    for (process, ago) in processes {
        world.raw::<()>(&["HSET", REPORTS, process, &seen(ago)]).await?;
    }
    let report = StageReport {
        stage: "ingest".to_owned(),
        instance: "lately".to_owned(),
        number: 4,
        revision: "4-abc".to_owned(),
        problem: Some("demo: a problem".to_owned()),
        problem_number: 5,
    };
    assert_eq!(world.redis.stage_reports().await?, [report]);
    // Whoever is new tidies up.
    world.redis.publish_config(1, b"one").await?;
    Stage::default().start(&world.redis).await?;
    let mut left: Vec<String> = world.raw(&["HKEYS", REPORTS]).await?;
    left.retain(|process| !process.starts_with("ingest/") || process == "ingest/lately");
    left.sort_unstable();
    assert_eq!(left, ["ingest/lately", "workflow/ahead", "workflow/gone"]);
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
    world.raw::<()>(&["HSET", REPORTS, &process, &format!("{before} 1 id-of-one 0 ")]).await?;
    eventually_reports(&world.redis, 1, None).await?;
    following.stop().await
}

/// Spelled as they lie in Redis.
const CONFIG: &str = "{mesh}:config";
const REPORTS: &str = "{mesh}:config:stages";
