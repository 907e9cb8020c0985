//! What processes lack: told to whom it concerns, and to nobody else.

use tributary_proto::v1;
use tributary_testkit::eventually;

use crate::{
    configured::{FakeStage, OTHER_KEY, OTHERS, mapping, request, source, waiting, with_both},
    support::{Collector, SOON, World, admin, with_key},
};

const DEMO_LACKS: &str = "demo: Source website: environment variable DEMO_KEY is not set";
const OTHER_LACKS: &str = "other: Source website: environment variable OTHER_KEY is not set";

/// What the processes of a stage say to whoever shows this key, of a revision.
async fn told(collector: &Collector, key: &str, revision: &str, stage: &str) -> String {
    let request = v1::ConfigServiceListRequest { revision: revision.to_owned(), ..Default::default() };
    let listed = collector.configuration().await.list(with_key(request, key)).await.unwrap().into_inner();
    let of_stage = listed.stages.into_iter().filter(|process| process.stage == stage);
    of_stage.map(|process| process.problem).collect::<Vec<_>>().join("; ")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stage_lacks_is_told_to_its_tenant_whatever_revision_is_asked_for() {
    let world = World::new().await;
    let collector = world.collector().await;
    // Of the first revision all documents are demo's: still nothing of others is shown to it.
    collector.apply(request(&[source("demo")])).await.unwrap();
    let both = request(&[mapping("demo", "a", 1), source("other")]);
    collector.configuration().await.apply(with_both(both)).await.unwrap();
    let ingest = FakeStage::lacking(&world.redis, "ingest", &[DEMO_LACKS, OTHER_LACKS]);
    let dispatcher = FakeStage::start(&world.redis, "dispatcher", 1);
    eventually(SOON, async || {
        let reports = world.redis.stage_reports().await.unwrap();
        let lacking = reports.iter().filter(|report| report.problem.is_some()).count();
        if lacking == 2 { Ok(()) } else { Err(format!("{reports:?}")) }
    })
    .await;
    for revision in ["", "1", "2"] {
        assert_eq!(told(&collector, "admin-key-of-demo", revision, "ingest").await, DEMO_LACKS);
        assert_eq!(told(&collector, OTHER_KEY, revision, "ingest").await, OTHER_LACKS);
        let of_all = told(&collector, "admin-key-of-demo", revision, "dispatcher").await;
        assert!(of_all.starts_with("not all of revision 2 ") && !of_all.contains("theirs"), "{of_all}");
    }
    let all = v1::ConfigServiceListRequest::default();
    let listed = collector.configuration().await.list(with_both(all)).await.unwrap().into_inner();
    let lacked = [DEMO_LACKS, OTHER_LACKS].join("\n");
    assert!(listed.stages.iter().any(|stage| stage.problem == lacked), "{:?}", listed.stages);
    ingest.stop().await;
    dispatcher.stop().await;
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_another_tenant_that_is_missing_does_not_hinder_this_one() {
    let world = World::new().await;
    let collector = world.collector().await;
    let stages: Vec<FakeStage> =
        OTHERS.iter().map(|stage| FakeStage::lacking(&world.redis, stage, &[OTHER_LACKS])).collect();
    let ours = collector.apply(waiting(&[source("demo")], 20)).await.unwrap();
    assert!(ours.everywhere, "{:?}", ours.stages);
    assert!(ours.stages.iter().all(|stage| stage.problem.is_empty()), "{:?}", ours.stages);

    // Its own administrator is told, and does not wait for longer than it takes all to have looked.
    let theirs = with_key(waiting(&[source("other")], 60), OTHER_KEY);
    let theirs = collector.configuration().await.apply(theirs).await.unwrap().into_inner();
    assert!(!theirs.everywhere && theirs.revision.starts_with("2-"));
    assert!(theirs.stages.iter().all(|stage| stage.revision == theirs.revision), "{:?}", theirs.stages);
    assert_eq!(theirs.stages.iter().filter(|stage| stage.problem == OTHER_LACKS).count(), 4);
    for stage in stages {
        stage.stop().await;
    }
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_apply_is_answered_though_another_one_applied_on_top_of_it() {
    let world = World::new().await;
    let collector = world.collector().await;
    let stages: Vec<FakeStage> =
        OTHERS.iter().map(|stage| FakeStage::start(&world.redis, stage, u64::MAX)).collect();
    let (mut one, mut two) = (collector.configuration().await, collector.configuration().await);
    let (ours, theirs) = tokio::join!(
        one.apply(admin(waiting(&[source("demo")], 20))),
        two.apply(with_key(waiting(&[source("other")], 20), OTHER_KEY)),
    );
    assert!(ours.unwrap().into_inner().everywhere && theirs.unwrap().into_inner().everywhere);
    for stage in stages {
        stage.stop().await;
    }
    collector.stop().await;
}
