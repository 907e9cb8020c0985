//! Stored events: paging and day tables.

use tributary_model::{EventId, PartitionId, StreamId, Time};
use tributary_proto::v1::EventProblem;
use tributary_storage::{Asked, FlushOutcome, StorageError, Wanted};

use crate::support::{HERE, NOW_US, at, batch, event_row, of, profile, storage, tenant};

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
        let page = storage.list_events(&tenant(), of(&profile("p1")), 2, &token).await.unwrap();
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
    let page = storage.list_events(&tenant(), of(&profile("p1")), 10, "").await.unwrap();
    assert_eq!(page.events, [marked, plain]);
}

#[tokio::test]
async fn a_forged_page_token_is_refused_as_such() {
    let error = storage().await.list_events(&tenant(), of(&profile("p1")), 2, "?").await.unwrap_err();
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
    assert_eq!(storage.list_events(&tenant(), of(&profile("p1")), 10, "").await.unwrap().events.len(), 2);
}

#[tokio::test]
async fn processes_that_make_the_same_days_at_once_do_not_disturb_each_other() {
    let storage = storage().await;
    let make = || storage.ensure_event_days(Time::from_micros(NOW_US), 5);
    let (a, b, c) = tokio::join!(make(), make(), make());
    a.and(b).and(c).unwrap();
}

#[tokio::test]
async fn events_of_some_types_are_listed_over_all_profiles_or_of_one() {
    let storage = storage().await;
    storage.take_epoch(HERE, 1).await.unwrap();
    let mut batch = batch(1, Default::default(), at(1, 0));
    let types = ["a", "b", "c"];
    batch.events = (0..9_i64)
        .map(|n| {
            let mut row =
                event_row(&format!("e{n}"), if n % 2 == 0 { "even" } else { "odd" }, NOW_US + n / 3);
            row.event_type = types[(n % 3) as usize].to_owned();
            row.workflow = "welcome".to_owned();
            row
        })
        .collect();
    storage.flush(&mut batch).await.unwrap();

    let list = async |wanted: Wanted<'_>, size| {
        let mut seen = Vec::new();
        let mut token = String::new();
        loop {
            let page = storage.list_events(&tenant(), wanted, size, &token).await.unwrap();
            assert!(page.events.len() <= usize::from(size));
            assert!(page.events.iter().all(|event| event.workflow == "welcome"));
            seen.extend(page.events.into_iter().map(|event| event.id.to_string()));
            match page.next_page_token {
                Some(next) => token = next,
                None => return seen,
            }
        }
    };
    let named = |types: &[&str]| types.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let (both, none) = (named(&["c", "a", "c"]), named(&["d"]));
    let (even, odd) = (profile("even"), profile("odd"));
    for size in [1, 2, 5, 100] {
        let of_types = Wanted { profile: None, types: &both };
        assert_eq!(list(of_types, size).await, ["e8", "e6", "e5", "e3", "e2", "e0"]);
        let of_both = Wanted { profile: Some(&even), types: &both };
        assert_eq!(list(of_both, size).await, ["e8", "e6", "e2", "e0"]);
        assert_eq!(list(of(&odd), size).await, ["e7", "e5", "e3", "e1"]);
    }
    assert!(list(Wanted { profile: None, types: &none }, 5).await.is_empty());
    assert!(list(Wanted { profile: None, types: &[] }, 5).await.is_empty(), "nothing was named");
}

#[tokio::test]
async fn of_an_id_that_was_used_again_the_newest_event_is_found() {
    let storage = storage().await;
    storage.take_epoch(HERE, 1).await.unwrap();
    let mut batch = batch(1, Default::default(), at(1, 0));
    let mut again = event_row("e", "p2", NOW_US - 1);
    again.received = Time::from_micros(NOW_US + DAY_US);
    batch.events = vec![again.clone(), event_row("e", "p1", NOW_US)];
    storage.flush(&mut batch).await.unwrap();
    let find = async |id: &str| storage.find_event(&tenant(), &EventId::new(id).unwrap()).await.unwrap();
    assert_eq!(find("e").await, Some(again));
    assert_eq!(find("f").await, None);
}

#[tokio::test]
async fn a_history_says_up_to_where_it_is_complete_whether_there_are_events_or_not() {
    let storage = storage().await;
    storage.take_epoch(HERE, 1).await.unwrap();
    let since = Time::from_micros(NOW_US + 1);
    let of_up_to = async |types: &[&str], position, limit| {
        let types: Vec<_> = types.iter().map(|name| (*name).to_owned()).collect();
        let asked = Asked { types: &types, since, position, limit, properties: true, bytes: 1_000_000 };
        let history = storage.history(&tenant(), &profile("p1"), HERE, &asked).await.unwrap();
        let ids: Vec<_> = history.events.iter().map(|event| event.id.to_string()).collect();
        (history.upto, ids)
    };
    let of = async |types: &[&str], limit| of_up_to(types, StreamId::MAX, limit).await;
    assert_eq!(of(&[], 10).await, (StreamId::default(), Vec::new()));

    let mut batch = batch(1, Default::default(), at(7, 3));
    batch.events = (0..5).map(|n| event_row(&format!("e{n}"), "p1", NOW_US + n)).collect();
    batch.events[2].event_type = "view".to_owned();
    batch.events.push(event_row("other", "p2", NOW_US + 9));
    let mut misfit = event_row("misfit", "p1", NOW_US + 9);
    misfit.invalid = true;
    batch.events.push(misfit);
    batch.events[4].entry = at(7, 0);
    storage.flush(&mut batch).await.unwrap();
    assert_eq!(of_up_to(&[], at(6, 9), 10).await, (at(7, 3), ["e3", "e2", "e1"].map(str::to_owned).to_vec()));
    let all = ["e4", "e3", "e2", "e1"];
    assert_eq!(of(&[], 10).await, (at(7, 3), all.map(str::to_owned).to_vec()));
    assert_eq!(of(&[], 2).await.1, ["e4", "e3"]);
    assert_eq!(of(&["purchase", "none"], 10).await.1, ["e4", "e3", "e1"]);
    assert_eq!(of(&["none"], 10).await, (at(7, 3), Vec::new()));
    assert_eq!(of(&[], 0).await, (at(7, 3), Vec::new()), "the position alone");
    let asked =
        Asked { types: &[], since, position: StreamId::MAX, limit: 1, properties: true, bytes: 1_000_000 };
    let elsewhere = storage.history(&tenant(), &profile("p1"), PartitionId(900), &asked).await;
    assert!(matches!(elsewhere, Err(StorageError::UnknownPartition { .. })));
}

#[tokio::test]
async fn a_history_reads_properties_where_they_are_asked_for_and_no_more_of_them_than_there_is_room_for() {
    let storage = storage().await;
    storage.take_epoch(HERE, 1).await.unwrap();
    let mut batch = batch(1, Default::default(), at(7, 3));
    batch.events = (0..5).map(|n| event_row(&format!("e{n}"), "p1", NOW_US + n)).collect();
    let said = serde_json::json!({"text": "x".repeat(1_000)}).as_object().cloned().unwrap();
    batch.events.iter_mut().for_each(|event| event.properties = said.clone());
    storage.flush(&mut batch).await.unwrap();
    let of = async |properties, bytes| {
        let since = Time::from_micros(NOW_US);
        let asked = Asked { types: &[], since, position: StreamId::MAX, limit: 10, properties, bytes };
        storage.history(&tenant(), &profile("p1"), HERE, &asked).await.unwrap()
    };
    let all = of(true, 6_000).await;
    assert!(all.events.len() == 5 && all.events.iter().all(|event| event.properties == said));
    assert!((5_000..6_000).contains(&all.bytes), "{}", all.bytes);
    let cut = of(true, 2_500).await;
    assert_eq!((cut.events.len(), cut.upto), (3, at(7, 3)));
    assert!(cut.bytes > 2_500);
    let bare = of(false, 0).await;
    assert_eq!((bare.events.len(), bare.bytes), (5, 0));
    assert!(bare.events.iter().all(|event| event.properties.is_empty()));
    // The connection that was left in the middle is of use again.
    for _ in 0..20 {
        assert_eq!(of(true, 10).await.events.len(), 1);
    }
}
