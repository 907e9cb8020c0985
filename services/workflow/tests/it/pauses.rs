//! Runs that wait: for their time, for an event, through restarts; and go on once.

use std::time::{Duration, Instant};

use prost::Message as _;
use serde_json::json;
use tributary_proto::v1;
use tributary_streams::Progress;
use tributary_testkit::eventually;
use tributary_workflow::Settings;

use crate::stage::{Event, NO_DATABASE, Running, SOON, event, neighbour, neighbours, workflow};

#[tokio::test]
async fn a_pause_ends_once_through_a_crash_and_a_restart() {
    let documents = workflow(
        "w",
        "buy",
        &[
            "{name: wait, pause: 3s, to: count}",
            "{name: count, increment: {count: 1}, to: tell}",
            "{name: tell, emit: {type: over}}",
        ],
    );
    let mut stage = Running::start(&documents).await;
    stage.append(event("e", "buy", "ann")).await;
    stage.handled("ann", "e").await;
    stage.eventually_paused("ann", 1).await;
    stage.kill();
    stage.revive().await;
    stage.restart().await;
    stage.eventually_shows("ann", "/count", json!(1)).await;
    stage.eventually_paused("ann", 0).await;
    stage.restart().await;
    // Handled behind all that was due.
    stage.append(event("later", "look", "ann")).await;
    stage.handled("ann", "later").await;
    assert_eq!(stage.shows("ann").await["count"], 1);
    assert_eq!(stage.forwarded("ann").await, ["over"]);
}

#[tokio::test]
async fn many_that_are_due_at_once_all_go_on_once() {
    let documents =
        workflow("w", "buy", &["{name: wait, pause: 2s, to: count}", "{name: count, increment: {count: 1}}"]);
    let mut stage = Running::start(&documents).await;
    let profiles: Vec<String> = (0..300).map(|number| format!("p{number}")).collect();
    for profile in &profiles {
        // Twice, so that timers of one profile wait behind each other.
        for nth in ["1", "2"] {
            stage.append(event(&format!("{profile}-{nth}"), "buy", profile)).await;
        }
    }
    for profile in &profiles {
        stage.handled(profile, &format!("{profile}-2")).await;
    }
    stage.kill();
    stage.revive().await;
    for profile in &profiles {
        stage.eventually_paused(profile, 0).await;
        assert_eq!(stage.shows(profile).await["count"], 2, "{profile}");
    }
}

fn basket() -> String {
    workflow(
        "basket",
        "add",
        &[
            "{name: wait, wait_for: {event: order, where: event.properties.basket == 1, within: 1h}, to: {event: ordered, timeout: lost}}",
            "{name: ordered, set: {last: {expr: memory.wait.properties.total}}}",
            "{name: lost, set: {last: lost}}",
        ],
    )
}

#[tokio::test]
async fn an_event_that_no_trigger_names_lets_a_run_go_on_that_waits_for_it() {
    let stage = Running::start(&basket()).await;
    stage.append(event("added", "add", "ann")).await;
    stage.handled("ann", "added").await;
    let other = neighbour("ann");
    stage.append(event("added-too", "add", &other)).await;
    stage.handled(&other, "added-too").await;
    stage.append(Event { properties: json!({"basket": 2}), ..event("another", "order", "ann") }).await;
    stage.handled("ann", "another").await;
    assert_eq!(stage.paused("ann").await.len(), 1, "this order was of another basket");
    stage
        .append(Event { properties: json!({"basket": 1, "total": 12}), ..event("order", "order", "ann") })
        .await;
    stage.handled("ann", "order").await;
    assert_eq!(stage.shows("ann").await["last"], 12);
    assert!(stage.paused("ann").await.is_empty());
    assert_eq!(stage.paused(&other).await.len(), 1, "the neighbour's own order has not come");
    stage
        .append(Event { properties: json!({"basket": 1, "total": 13}), ..event("again", "order", "ann") })
        .await;
    stage.handled("ann", "again").await;
    assert_eq!(stage.shows("ann").await["last"], 12, "it went on once");
}

#[tokio::test]
async fn an_event_lets_runs_go_on_before_it_triggers_its_own() {
    let documents = format!(
        "{}{}",
        basket(),
        workflow("orders", "order", &["{name: look, append: {seen: {expr: profile.last}}}"])
    );
    let fields = "---\nkind: Fields\nname: more\ntenant: t\nspec:\n  fields: {seen: list}\n";
    let stage = Running::start(&format!("{documents}{fields}")).await;
    stage.append(event("added", "add", "ann")).await;
    stage
        .append(Event { properties: json!({"basket": 1, "total": 12}), ..event("order", "order", "ann") })
        .await;
    stage.handled("ann", "order").await;
    assert_eq!(stage.shows("ann").await["seen"], json!([12]));
}

#[tokio::test]
async fn a_run_that_pauses_for_an_instant_goes_on_within_a_second() {
    let documents = workflow(
        "w",
        "buy",
        &["{name: wait, pause: 200ms, to: note}", "{name: note, set: {last: {expr: 'string(now)'}}}"],
    );
    let stage = Running::start(&documents).await;
    // The clock of the first look at the timers has begun long before.
    stage.append(event("first", "look", "ann")).await;
    stage.handled("ann", "first").await;
    stage.append(event("e", "buy", "ann")).await;
    let begun = std::time::Instant::now();
    stage.handled("ann", "e").await;
    stage.eventually_paused("ann", 0).await;
    // One second, and what a loaded machine takes to look.
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_timer_that_carries_no_run_or_was_handed_out_too_often_is_a_dead_letter_and_its_neighbours_go_on() {
    let too_often = [("event", "no event"), ("attempts", "64")];
    for (carrying, reason, attempts) in
        [(&too_often[..1], "UNREADABLE", 1), (&too_often, "TOO_MANY_DELIVERIES", 65)]
    {
        is_given_up_on(carrying, reason, attempts).await;
    }
}

async fn is_given_up_on(carrying: &[(&'static str, &str)], reason: &str, attempts: u32) {
    let documents =
        workflow("w", "buy", &["{name: wait, pause: 1s, to: count}", "{name: count, increment: {count: 1}}"]);
    let mut stage = Running::start(&documents).await;
    stage.kill();
    stage.append(event("e", "buy", "ann")).await;
    stage.pause_nothing("ann", carrying).await;
    stage.revive().await;
    let other = neighbour("ann");
    stage.append(event("beside", "buy", &other)).await;
    stage.eventually_shows(&other, "/count", json!(1)).await;
    stage.eventually_paused("ann", 0).await;
    let dead = stage.dead("ann").await;
    let [letter] = dead.as_slice() else { panic!("{dead:?}") };
    assert_eq!(
        (letter.kind.as_str(), letter.reason.as_str(), letter.subject.as_str(), letter.attempts),
        ("run", reason, "e", attempts)
    );
    let carried = v1::PausedRun::decode(letter.data.clone()).unwrap();
    assert_eq!(carried.fields["event"], "no event".as_bytes());
    assert_eq!(stage.shows("ann").await, json!({}));
}

/// The stage was away while an event came that a run waited for, in time and behind many others, and is back when that time is
/// over.
#[tokio::test]
async fn an_event_that_came_in_time_is_not_overtaken_by_the_timer() {
    let mut stage = Running::start(&basket().replace("within: 1h", "within: 3s")).await;
    stage.append(event("added", "add", "ann")).await;
    stage.handled("ann", "added").await;
    stage.kill();
    // More profiles than are worked on at once: the timer is found while not all of it is read.
    for (number, other) in neighbours("ann", "t").take(400).enumerate() {
        stage.append(event(&format!("other-{number}"), "add", &other)).await;
    }
    let order = Event { properties: json!({"basket": 1, "total": 12}), ..event("order", "order", "ann") };
    stage.append(order).await;
    // The clock is what has to go on.
    let due = Instant::now() + Duration::from_secs(4);
    eventually(
        SOON,
        async || if Instant::now() > due { Ok(()) } else { Err("it is not due yet".to_owned()) },
    )
    .await;
    stage.revive().await;
    stage.handled("ann", "order").await;
    assert_eq!(stage.shows("ann").await["last"], 12);
}

/// A run waits longer than its event is remembered, for events of the type that triggers it.
#[tokio::test]
async fn a_run_of_an_id_that_is_used_again_waits_beside_the_former_one() {
    let documents = workflow(
        "w",
        "buy",
        &[
            "{name: wait, wait_for: {event: buy, where: event.properties.ends, within: 1h}, to: {event: count}}",
            "{name: count, increment: {count: 1}}",
        ],
    );
    let stage = Running::start_remembering(&documents, NO_DATABASE, Settings::default(), "1s").await;
    let buy = async |id: &str, ends: bool, paused: usize| {
        eventually(SOON, async || match stage.progress("ann", id).await {
            Progress::Unknown => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
        stage.append(Event { properties: json!({"ends": ends}), ..event(id, "buy", "ann") }).await;
        stage.eventually_paused("ann", paused).await;
    };
    buy("e", false, 1).await;
    buy("e", false, 2).await;
    // Both go on, and a third one waits.
    buy("f", true, 1).await;
    stage.eventually_shows("ann", "/count", json!(2)).await;
    // It ends the one that it is named like, and not the one that it begins.
    let former = stage.paused("ann").await;
    buy("f", true, 1).await;
    stage.eventually_shows("ann", "/count", json!(3)).await;
    assert_ne!(stage.paused("ann").await, former);
}
