//! The transaction: all or nothing, fenced, never stopped by a bad row.

use serde_json::json;
use tributary_model::StreamId;
use tributary_storage::{DeadRow, FlushOutcome, Storage};

use crate::support::{
    HERE, NOW_US, PARTITIONS, at, batch, birth, database_url, event_row, of, profile, profile_row, raw,
    session_row, storage, tenant,
};

const START: StreamId = StreamId::new(0, 0);

#[tokio::test]
async fn a_flush_writes_rows_events_and_positions_together() {
    let storage = storage().await;
    storage.take_epoch(HERE, 1).await.unwrap();
    let mut batch = batch(1, START, at(9, 0));
    batch.profiles = vec![profile_row("p1", at(8, 0), 2), profile_row("p2", at(9, 0), 1)];
    batch.sessions = vec![session_row("s1", "p1", "p1", at(7, 0))];
    batch.events = vec![event_row("e1", "p1", NOW_US), event_row("e2", "p1", NOW_US - 1)];
    batch.origins = vec![birth("p1", NOW_US)];
    assert_eq!(storage.flush(&mut batch).await.unwrap(), FlushOutcome::Committed { buried: 0 });

    assert_eq!(storage.partitions().await.unwrap()[1].positions, batch.to);
    let (row, as_of) = storage.load_profile_with_position(&tenant(), &profile("p1"), HERE).await.unwrap();
    let row = row.unwrap();
    assert_eq!((row.version, row.state, as_of), (at(8, 0), batch.profiles[0].state.clone(), at(9, 0)));
    let page = storage.list_events(&tenant(), of(&profile("p1")), 10, "").await.unwrap();
    assert_eq!(page.events, batch.events);
}

#[tokio::test]
async fn a_second_flush_replaces_rows_and_never_a_birth() {
    let url = database_url().await;
    let storage = Storage::connect(&url, 2).await.unwrap();
    storage.ensure_deployment(PARTITIONS).await.unwrap();
    storage.take_epoch(HERE, 1).await.unwrap();
    for (from, to, count, born) in [(START, at(1, 0), 1, NOW_US), (at(1, 0), at(2, 0), 5, NOW_US + 1)] {
        let mut batch = batch(1, from, to);
        batch.profiles = vec![profile_row("p1", to, count)];
        batch.origins = vec![birth("p1", born)];
        storage.flush(&mut batch).await.unwrap();
    }
    let (row, _) = storage.load_profile_with_position(&tenant(), &profile("p1"), HERE).await.unwrap();
    assert_eq!(row.unwrap().version, at(2, 0));
    let born: i64 = sqlx::query_scalar("SELECT (extract(epoch FROM born) * 1000000)::bigint FROM origins")
        .fetch_one(&raw(&url).await)
        .await
        .unwrap();
    assert_eq!(born, NOW_US);
}

#[tokio::test]
async fn an_older_epoch_or_another_position_writes_nothing() {
    let storage = storage().await;
    storage.take_epoch(HERE, 2).await.unwrap();
    let mut first = batch(2, START, at(1, 0));
    storage.flush(&mut first).await.unwrap();

    for (epoch, from) in [(1, at(1, 0)), (3, at(1, 0)), (2, START)] {
        let mut stale = batch(epoch, from, at(5, 0));
        stale.profiles = vec![profile_row("p1", at(5, 0), 1)];
        assert_eq!(storage.flush(&mut stale).await.unwrap(), FlushOutcome::Superseded);
    }
    let (row, as_of) = storage.load_profile_with_position(&tenant(), &profile("p1"), HERE).await.unwrap();
    assert_eq!((row, as_of), (None, at(1, 0)));
}

#[tokio::test]
async fn two_flushes_from_one_position_are_one() {
    let storage = storage().await;
    storage.take_epoch(HERE, 1).await.unwrap();
    let (mut a, mut b) = (batch(1, START, at(1, 0)), batch(1, START, at(1, 0)));
    let (a, b) = tokio::join!(storage.flush(&mut a), storage.flush(&mut b));
    let committed = [a.unwrap(), b.unwrap()].into_iter().filter(|o| *o != FlushOutcome::Superseded).count();
    assert_eq!(committed, 1);
}

#[tokio::test]
async fn what_postgres_cannot_hold_is_set_aside_and_its_neighbours_are_stored() {
    let url = database_url().await;
    let storage = Storage::connect(&url, 2).await.unwrap();
    storage.ensure_deployment(PARTITIONS).await.unwrap();
    storage.take_epoch(HERE, 1).await.unwrap();

    let mut nul = event_row("nul", "p1", NOW_US);
    nul.properties.insert("a".to_owned(), json!(["x\u{0}y"]));
    // Nothing else that the model lets through is known to be refused; so the test makes the database refuse more.
    sqlx::query("ALTER TABLE events ADD CHECK (type <> 'refused')").execute(&raw(&url).await).await.unwrap();
    let mut refused = event_row("refused", "p1", NOW_US);
    refused.event_type = "refused".to_owned();
    let mut shown = profile_row("p1", at(1, 0), 1);
    shown.fields.insert("name".to_owned(), json!("x\u{0}y"));

    let mut batch = batch(1, START, at(1, 0));
    batch.profiles = vec![shown];
    batch.events = vec![nul, event_row("good", "p1", NOW_US), refused];
    batch.dead = vec![DeadRow {
        tenant: "de\u{0}mo".to_owned(),
        kind: "change",
        subject: String::new(),
        entry: at(1, 0),
        reason: "UNREADABLE",
        message: "not a ChangeSet".to_owned(),
        data: vec![0, 255],
    }];
    assert_eq!(storage.flush(&mut batch).await.unwrap(), FlushOutcome::Committed { buried: 2 });

    let page = storage.list_events(&tenant(), of(&profile("p1")), 10, "").await.unwrap();
    assert_eq!(page.events.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["good"]);
    let dead: Vec<(String, String)> =
        sqlx::query_as("SELECT kind, reason FROM dead_letters ORDER BY kind, reason")
            .fetch_all(&raw(&url).await)
            .await
            .unwrap();
    let dead: Vec<_> = dead.iter().map(|(kind, reason)| (kind.as_str(), reason.as_str())).collect();
    assert_eq!(dead, [("change", "UNREADABLE"), ("event", "NUL_CHARACTER"), ("event", "ROW_REFUSED")]);
    let name: String =
        sqlx::query_scalar("SELECT fields->>'name' FROM profiles").fetch_one(&raw(&url).await).await.unwrap();
    assert_eq!(name, "x\u{fffd}y");
}
