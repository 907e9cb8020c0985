//! A run finishes on the revision that it started on.

use std::time::Duration;

use serde_json::{json, to_value};
use tributary_storage::{NewRevision, RevisionRow, Storage};
use tributary_testkit::{Servers, eventually};

use crate::stage::{Event, Running, SOON, event, neighbour, revision, workflow};

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

/// Postgres, with the first revision, the kind of its documents being `kind` or what it is.
async fn recorded(kind: Option<&str>) -> Servers {
    let servers = Servers::start().await.unwrap();
    let storage = Storage::connect_lazy(servers.database_url(), 1).unwrap();
    let own = revision(1, &documents(1));
    let mut documents = to_value(&own.documents).unwrap();
    if let Some(kind) = kind {
        documents[0]["kind"] = kind.into();
    }
    let row = RevisionRow { number: 1, id: own.id(), documents };
    let new = NewRevision { row, note: String::new(), tenants: vec!["t".into()], changes: json!({}) };
    assert!(storage.append_revision(0, &new).await.unwrap());
    servers
}

#[tokio::test]
async fn a_run_outlives_its_revision_in_redis() {
    let servers = recorded(None).await;
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

#[tokio::test]
async fn a_run_whose_revision_this_release_cannot_prepare_waits_for_one_that_can() {
    let servers = recorded(Some("OfTomorrow")).await;
    let mut stage = outlived(servers.database_url()).await;
    // Due after it.
    let beside = neighbour("ann");
    stage.append(event("beside", "buy", &beside)).await;
    stage.eventually_shows(&beside, "/count", json!(100)).await;
    stage.kill();
    let due = stage.due("ann").await;
    let soon = due.next.is_some_and(|next| next > Duration::from_secs(30) && next <= Duration::from_secs(60));
    assert!(due.timers.is_empty() && soon, "{due:?}");
    assert_eq!(stage.paused("ann").await.len(), 1);
    assert!(stage.dead("ann").await.is_empty());
}
