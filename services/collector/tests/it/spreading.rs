//! A revision on its way to the stages, and the first one of a deployment.

use std::path::Path;

use tonic::Code;
use tributary_proto::v1;
use tributary_runtime::{SettingsError, reason_of};
use tributary_storage::{NewRevision, RevisionRow};
use tributary_testkit::eventually;

use crate::{
    configured::{FakeStage, OTHERS, mapping, request, source, waiting},
    support::{SOON, World},
};

#[tokio::test(flavor = "multi_thread")]
async fn apply_answers_when_every_stage_runs_it_and_names_the_one_that_does_not() {
    let world = World::new().await;
    let collector = world.collector().await;
    let alone = collector.apply(waiting(&[source("demo")], 1)).await.unwrap();
    assert!(!alone.everywhere, "four stages have no process");
    let stages: Vec<FakeStage> = OTHERS
        .iter()
        .map(|stage| FakeStage::start(&world.redis, stage, if *stage == "ingest" { 2 } else { u64::MAX }))
        .collect();

    let second = collector.apply(waiting(&[mapping("demo", "a", 1)], 20)).await.unwrap();
    assert!(second.everywhere, "{:?}", second.stages);
    let told: Vec<&str> = second.stages.iter().map(|stage| stage.stage.as_str()).collect();
    assert_eq!(told, ["ingest", "preprocess", "workflow", "collector", "dispatcher"]);
    assert!(second.stages.iter().all(|stage| stage.revision == second.revision && stage.problem.is_empty()));

    // Ingest cannot take the third: it is named, with what it runs instead and why.
    let third = collector.apply(waiting(&[mapping("demo", "a", 2)], 20)).await.unwrap();
    assert!(!third.everywhere);
    for stage in &third.stages {
        let expected = if stage.stage == "ingest" { &second.revision } else { &third.revision };
        assert_eq!(&stage.revision, expected, "{stage:?}");
        let told = stage.problem.starts_with("not all of revision 3 can be used");
        assert_eq!(told, stage.stage == "ingest", "{stage:?}");
        assert!(!stage.problem.contains("other"), "{stage:?}");
    }
    let listed = collector.documents("").await.unwrap();
    assert_eq!(listed.stages, third.stages);

    for stage in stages {
        stage.stop().await;
    }
    eventually(SOON, async || match collector.documents("").await.unwrap().stages.len() {
        1 => Ok(()),
        live => Err(format!("{live} processes are live")),
    })
    .await;
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_whose_collector_died_before_it_was_published_is_published_by_another() {
    let world = World::new().await;
    let collector = world.collector().await;
    let committed = |number: u64| NewRevision {
        row: RevisionRow {
            number,
            id: format!("{number}-abc"),
            documents: serde_json::json!([{
                "tenant": "demo", "kind": "Source", "name": "website", "file": "a.yaml", "line": 1,
                "text": source("demo").text,
            }]),
        },
        note: String::new(),
        tenants: vec!["demo".to_owned()],
        changes: serde_json::json!([]),
    };
    let published = async |expected| {
        eventually(SOON, async || match world.redis.newest_config().await.unwrap() {
            newest if newest == Some(expected) => Ok(()),
            other => Err(format!("{other:?} is published")),
        })
        .await;
    };
    assert!(world.storage.append_revision(0, &committed(1)).await.unwrap());
    published(1).await;
    assert!(world.storage.append_revision(1, &committed(2)).await.unwrap());
    published(2).await;
    let bytes = world.redis.config_bytes(2).await.unwrap().unwrap();
    let revision = tributary_config::Revision::from_bytes(&bytes).unwrap();
    assert_eq!((revision.number, revision.documents.len()), (2, 1));

    // A Redis that was emptied is given the newest again.
    redis::cmd("FLUSHALL").query_async::<()>(&mut world.raw().await).await.unwrap();
    published(2).await;
    // One that knows of a later state than Postgres was set back to is not left behind for ever.
    assert!(world.redis.publish_config(9, &revision.to_bytes()).await.unwrap());
    let next = collector.apply(request(&[mapping("demo", "a", 1)])).await.unwrap();
    assert!(next.revision.starts_with("10-"), "{}", next.revision);
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn collectors_that_start_at_once_make_one_first_revision_of_the_directory() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.yaml", &[source("demo"), mapping("demo", "a", 1)]);
    let (one, two) =
        tokio::join!(world.collector_from(dir.path().into()), world.collector_from(dir.path().into()));
    let (one, two) = (one.unwrap(), two.unwrap());
    eventually(SOON, async || match world.redis.newest_config().await.unwrap() {
        Some(1) => Ok(()),
        other => Err(format!("{other:?} is published")),
    })
    .await;
    let listed = two.documents("").await.unwrap();
    assert_eq!((listed.documents.len(), listed.documents[0].file.as_str()), (2, "a.yaml"));
    assert_eq!(one.history().await.len(), 1);
    one.apply(request(&[mapping("demo", "a", 2)])).await.unwrap();
    one.stop().await;
    two.stop().await;

    // From now on the directory means nothing, not even where it is wrong.
    std::fs::write(dir.path().join("b.yaml"), "kind: Nonsense\n").unwrap();
    let three = world.collector_from(dir.path().into()).await.unwrap();
    assert!(three.documents("").await.unwrap().revision.starts_with("2-"));
    three.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_configuration_that_is_wrong_ends_the_start_like_a_wrong_setting() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.yaml", &[mapping("demo", "a", 1)]);
    let error = world.collector_from(dir.path().into()).await.err().unwrap();
    let error = error.downcast_ref::<SettingsError>().unwrap().to_string();
    assert!(error.contains("TRIBUTARY_CONFIG") && error.contains("a.yaml:"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgres_nothing_is_applied_and_what_runs_goes_on() {
    let world = World::with_own_postgres().await;
    let collector = world.collector().await;
    let first = collector.apply(waiting(&[source("demo")], 0)).await.unwrap();
    eventually(SOON, async || match &collector.documents("").await.unwrap().stages[..] {
        [stage] if stage.revision == first.revision => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    world.servers.postgres().kill();
    let refused = collector.apply(request(&[mapping("demo", "a", 1)])).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason_of(&refused).as_deref()),
        (Code::Unavailable, Some("DATABASE_UNAVAILABLE"))
    );
    let reports = world.redis.stage_reports().await.unwrap();
    assert_eq!(reports.iter().map(|report| report.number).collect::<Vec<_>>(), [1]);
    world.servers.postgres().restart().await.unwrap();
    eventually(SOON, async || match collector.apply(request(&[mapping("demo", "a", 1)])).await {
        Ok(applied) if applied.revision.starts_with("2-") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    collector.stop().await;
}

fn write(dir: &Path, file: &str, documents: &[v1::Document]) {
    let texts: Vec<&str> = documents.iter().map(|document| document.text.as_str()).collect();
    std::fs::write(dir.join(file), texts.join("---\n")).unwrap();
}
