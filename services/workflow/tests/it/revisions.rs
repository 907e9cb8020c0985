//! A run finishes on the revision that it started on.

use serde_json::{json, to_value};
use tributary_storage::{NewRevision, RevisionRow, Storage};
use tributary_testkit::{Servers, eventually};

use crate::stage::{Event, Running, SOON, event, revision, workflow};

/// Redis keeps so many revisions.
const KEPT: u64 = 32;

fn documents(by: u32) -> String {
    workflow(
        "w",
        "buy",
        &["{name: wait, pause: 3s, to: count}", &format!("{{name: count, increment: {{count: {by}}}}}")],
    )
}

/// A paused run, and then as many revisions that Redis has only newer ones.
async fn outlived(database: &str) -> Running {
    let mut stage = Running::start_with(&documents(1), database).await;
    let own = revision(1, &documents(1)).id();
    stage.append(Event { revision: &own, ..event("e", "buy", "ann") }).await;
    stage.handled("ann", "e").await;
    stage.kill();
    for number in 2..=KEPT + 2 {
        stage.apply(number, &documents(100)).await;
    }
    stage.revive().await;
    stage
}

#[tokio::test]
async fn a_run_outlives_its_revision_in_redis() {
    let servers = Servers::start().await.unwrap();
    let storage = Storage::connect_lazy(servers.database_url(), 1).unwrap();
    let own = revision(1, &documents(1));
    let row = RevisionRow { number: 1, id: own.id(), documents: to_value(&own.documents).unwrap() };
    let new = NewRevision { row, note: String::new(), tenants: vec!["t".into()], changes: json!({}) };
    assert!(storage.append_revision(0, &new).await.unwrap());
    let stage = outlived(servers.database_url()).await;
    stage.eventually_shows("ann", "/count", json!(1)).await;
    stage.eventually_paused("ann", 0).await;
}

#[tokio::test]
async fn a_run_whose_revision_is_nowhere_any_more_is_a_dead_letter() {
    let servers = Servers::start().await.unwrap();
    let stage = outlived(servers.database_url()).await;
    let letter =
        eventually(SOON, async || stage.dead("ann").await.pop().ok_or_else(|| "none yet".to_owned())).await;
    assert_eq!(
        (letter.kind.as_str(), letter.reason.as_str(), letter.subject.as_str()),
        ("run", "REVISION_GONE", "e")
    );
    assert_eq!(stage.shows("ann").await, json!({}));
}
