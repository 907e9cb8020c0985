//! Stored events: paging and day tables.

use tributary_model::Time;
use tributary_proto::v1::EventProblem;
use tributary_storage::{FlushOutcome, StorageError};

use crate::support::{HERE, NOW_US, at, batch, event_row, profile, storage, tenant};

const DAY_US: i64 = 86_400_000_000;

#[tokio::test]
async fn pages_show_every_event_once_newest_first_though_times_are_equal() {
    let storage = storage().await;
    storage.take_epoch(HERE, 1).await.unwrap();
    let mut batch = batch(1, Default::default(), at(1, 0));
    batch.events = (0..7).map(|n| event_row(&format!("e{n}"), "p1", NOW_US + n / 3)).collect();
    // An id used again after the dedup window, with the same time: only `received` tells them apart.
    let mut again = event_row("e3", "p1", NOW_US + 1);
    again.received = Time::from_micros(NOW_US + DAY_US);
    batch.events.push(again);
    batch.events.push(event_row("other", "p2", NOW_US));
    storage.flush(&mut batch).await.unwrap();

    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let page = storage.list_events(&tenant(), &profile("p1"), 2, &token).await.unwrap();
        assert!(page.events.len() <= 2);
        seen.extend(page.events.into_iter().map(|event| event.id.to_string()));
        match page.next_page_token {
            Some(next) => token = next,
            None => break,
        }
    }
    assert_eq!(seen, ["e6", "e5", "e4", "e3", "e3", "e2", "e1", "e0"]);
}

#[tokio::test]
async fn what_is_marked_on_an_event_comes_back_as_it_was() {
    let storage = storage().await;
    storage.take_epoch(HERE, 1).await.unwrap();
    let mut batch = batch(1, Default::default(), at(1, 0));
    let mut marked = event_row("marked", "p1", NOW_US + 1);
    marked.invalid = true;
    marked.historical = true;
    marked.problems = ["properties.value", "properties.ä \"b\""]
        .map(|path| EventProblem {
            document: "Schema purchase".to_owned(),
            path: path.to_owned(),
            reason: "SCHEMA_VIOLATED".to_owned(),
            description: "must be a number".to_owned(),
        })
        .to_vec();
    batch.events = vec![event_row("plain", "p1", NOW_US), marked.clone()];
    let plain = batch.events[0].clone();
    storage.flush(&mut batch).await.unwrap();
    let page = storage.list_events(&tenant(), &profile("p1"), 10, "").await.unwrap();
    assert_eq!(page.events, [marked, plain]);
}

#[tokio::test]
async fn a_forged_page_token_is_refused_as_such() {
    let error = storage().await.list_events(&tenant(), &profile("p1"), 2, "?").await.unwrap_err();
    assert!(matches!(error, StorageError::PageToken));
}

#[tokio::test]
async fn a_flush_makes_the_day_tables_it_needs_and_survives_a_dropped_one() {
    let storage = storage().await;
    storage.take_epoch(HERE, 1).await.unwrap();
    storage.ensure_event_days(Time::from_micros(NOW_US), 2).await.unwrap();
    assert_eq!(storage.drop_event_days_before(Time::from_micros(NOW_US + 2 * DAY_US)).await.unwrap(), 2);

    let mut batch = batch(1, Default::default(), at(1, 0));
    batch.events = vec![event_row("e1", "p1", NOW_US)];
    batch.events[0].received = Time::from_micros(NOW_US - 400 * DAY_US);
    batch.events.push(event_row("e2", "p1", NOW_US));
    assert_eq!(storage.flush(&mut batch).await.unwrap(), FlushOutcome::Committed { buried: 0 });
    assert_eq!(storage.list_events(&tenant(), &profile("p1"), 10, "").await.unwrap().events.len(), 2);
}

#[tokio::test]
async fn processes_that_make_the_same_days_at_once_do_not_disturb_each_other() {
    let storage = storage().await;
    let make = || storage.ensure_event_days(Time::from_micros(NOW_US), 5);
    let (a, b, c) = tokio::join!(make(), make(), make());
    a.and(b).and(c).unwrap();
}
