//! Postgres, or Redis, that does not have what it had.

use std::time::{Duration, Instant};

use tonic::Code;
use tributary_proto::v1;
use tributary_runtime::reason_of;
use tributary_testkit::eventually;

use crate::{
    configured::{FakeStage, OTHERS, mapping, request, source, waiting},
    support::{Collector, SOON, World},
};

/// Takes Postgres back to when this was the newest revision.
async fn set_back(world: &World, newest: i64) {
    let pool = sqlx::PgPool::connect(world.servers.database_url()).await.unwrap();
    let taken = sqlx::query("DELETE FROM config_revisions WHERE number > $1").bind(newest);
    assert!(taken.execute(&pool).await.unwrap().rows_affected() > 0);
}

/// A mesh whose stages run the third of three revisions.
async fn with_three(world: &World) -> (Collector, Vec<FakeStage>) {
    let collector = world.collector().await;
    let stages = OTHERS.iter().map(|stage| FakeStage::start(&world.redis, stage, u64::MAX)).collect();
    for documents in [vec![source("demo")], vec![mapping("demo", "a", 1)], vec![mapping("demo", "a", 2)]] {
        let applied = collector.apply(waiting(&documents, 20)).await.unwrap();
        assert!(applied.everywhere, "{:?}", applied.stages);
    }
    (collector, stages)
}

async fn stop(collector: Collector, stages: Vec<FakeStage>) {
    for stage in stages {
        stage.stop().await;
    }
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_configured_already_but_overtaken_is_numbered_anew_and_runs_everywhere() {
    let world = World::new().await;
    let (collector, stages) = with_three(&world).await;
    set_back(&world, 2).await;
    let dry = v1::ApplyRequest { dry_run: true, ..request(&[mapping("demo", "a", 1)]) };
    assert!(collector.apply(dry).await.unwrap().revision.starts_with("2-"));
    let again = collector.apply(waiting(&[mapping("demo", "a", 1)], 20)).await.unwrap();
    assert!(again.changes.is_empty() && again.revision.starts_with("4-"), "{}", again.revision);
    assert!(again.everywhere, "{:?}", again.stages);
    let history = collector.history().await;
    assert_eq!((history.len(), history[0].note.as_str()), (3, "the same with a new number"));
    // Now that it runs, a repeat makes nothing of it.
    let more = collector.apply(waiting(&[mapping("demo", "a", 1)], 20)).await.unwrap();
    assert!(more.everywhere && more.revision == again.revision);
    stop(collector, stages).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_stages_run_is_not_given_out_again_though_redis_and_postgres_have_lost_it() {
    let world = World::new().await;
    let (collector, stages) = with_three(&world).await;
    set_back(&world, 1).await;
    redis::cmd("FLUSHALL").query_async::<()>(&mut world.raw().await).await.unwrap();
    eventually(SOON, async || match world.redis.stage_reports().await.unwrap() {
        reports if reports.len() == 5 && reports.iter().all(|report| report.number == 3) => Ok(()),
        reports => Err(format!("{reports:?}")),
    })
    .await;
    let next = collector.apply(waiting(&[mapping("demo", "b", 1)], 20)).await.unwrap();
    assert!(next.revision.starts_with("4-"), "{}", next.revision);
    assert!(next.everywhere, "{:?}", next.stages);
    stop(collector, stages).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_revision_of_the_same_number_is_not_taken_for_this_one() {
    let world = World::new().await;
    let collector = world.collector().await;
    collector.apply(request(&[source("demo")])).await.unwrap();
    let second = collector.apply(request(&[mapping("demo", "a", 1)])).await.unwrap();
    // As after a Redis that did not answer while the number was chosen: what stages take is not what Postgres has.
    let documents = vec![];
    let other = tributary_config::Revision { number: 2, documents };
    let set = redis::cmd("HSET").arg("{mesh}:config").arg("2").arg(other.to_bytes()).to_owned();
    set.query_async::<()>(&mut world.raw().await).await.unwrap();
    let again = collector.apply(request(&[mapping("demo", "a", 1)])).await.unwrap();
    assert!(again.revision.starts_with("3-"), "{}", again.revision);
    assert_eq!(again.revision.split_once('-').unwrap().1, second.revision.split_once('-').unwrap().1);
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_postgres_does_not_bring_the_first_directory_back() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    let texts = [source("demo").text, mapping("demo", "a", 1).text];
    std::fs::write(dir.path().join("a.yaml"), texts.join("---\n")).unwrap();
    let one = world.collector_from(dir.path().into()).await.unwrap();
    eventually(SOON, async || match world.redis.newest_config().await.unwrap() {
        Some(1) => Ok(()),
        other => Err(format!("{other:?} is published")),
    })
    .await;
    one.apply(request(&[mapping("demo", "a", 2)])).await.unwrap();
    set_back(&world, 0).await;
    let two = world.collector_from(dir.path().into()).await.unwrap();
    // Both have looked when both have said what they run.
    eventually(SOON, async || match world.redis.stage_reports().await.unwrap().len() {
        2 => Ok(()),
        live => Err(format!("{live} processes are live")),
    })
    .await;
    assert_eq!(two.documents("").await.unwrap().revision, "");
    let next = two.apply(request(&[source("demo")])).await.unwrap();
    assert!(next.revision.starts_with("3-"), "{}", next.revision);
    assert_eq!(two.history().await.len(), 1);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_no_number_is_chosen_and_nothing_is_applied() {
    let world = World::new().await;
    let collector = world.collector().await;
    let first = collector.apply(request(&[source("demo")])).await.unwrap();
    pause(&world, Duration::from_secs(8)).await;
    let refused = collector.apply(request(&[mapping("demo", "a", 1)])).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason_of(&refused).as_deref()),
        (Code::Unavailable, Some("QUEUE_UNAVAILABLE"))
    );
    let newest = world.storage.newest_revision_number().await.unwrap();
    assert_eq!(newest, Some(1), "{}", first.revision);
    eventually(SOON, async || match collector.apply(request(&[mapping("demo", "a", 1)])).await {
        Ok(applied) if applied.revision.starts_with("2-") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_answers_at_the_end_of_its_wait_also_when_redis_does_not_answer() {
    let world = World::new().await;
    let collector = world.collector().await;
    let begun = Instant::now();
    let applying = async { collector.apply(waiting(&[source("demo")], 1)).await };
    let pausing = async {
        eventually(SOON, async || match world.redis.newest_config().await.unwrap() {
            Some(1) => Ok(()),
            other => Err(format!("{other:?} is published")),
        })
        .await;
        pause(&world, Duration::from_secs(6)).await;
    };
    let (applied, ()) = tokio::join!(applying, pausing);
    let applied = applied.unwrap();
    assert!(!applied.everywhere && applied.revision.starts_with("1-"));
    // A call to Redis is given up by itself only after three seconds.
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    collector.stop().await;
}

/// Redis accepts calls and answers none of them for a time.
async fn pause(world: &World, how_long: Duration) {
    let pause = redis::cmd("CLIENT").arg("PAUSE").arg(how_long.as_millis() as u64).arg("ALL").to_owned();
    pause.query_async::<()>(&mut world.raw().await).await.unwrap();
}
