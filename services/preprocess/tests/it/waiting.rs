use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use tributary_preprocess::ProcessError;
use tributary_preprocess::waiting::Waits as _;
use tributary_proto::v1::{self, EventStatus, WaitFor, WaitOutcome};
use tributary_streams::Awaited;
use tributary_testkit::eventually;

use crate::stages::{SOON, World};

const HOUR: Duration = Duration::from_secs(3600);
/// Enough for what is there already.
const SHORT: Duration = Duration::from_secs(1);
/// Enough for what the hands here do meanwhile.
const A_WHILE: Duration = Duration::from_secs(4);

fn response(answer: &v1::TrackResponse) -> Value {
    let response = answer.events[0].response.as_ref().map(|response| response.to_object().unwrap());
    response.map_or(Value::Null, Value::Object)
}

fn city(answer: &v1::TrackResponse) -> Value {
    let fields = answer.profile.as_ref().unwrap().fields.as_ref().unwrap().to_object().unwrap();
    Value::Object(fields)["traits"]["city"].clone()
}

fn came(answer: &v1::TrackResponse) -> (EventStatus, WaitFor, WaitOutcome) {
    let event = &answer.events[0];
    (event.status(), event.reached(), event.wait())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_what_the_workflows_said_and_changed_and_a_repetition_has_the_same() {
    let world = World::new(HOUR).await;
    let handles = async {
        let entry = world.handed().await;
        assert_eq!(entry.awaited, Awaited::Waits);
        world.handle(&entry, "Berlin").await;
        Instant::now()
    };
    let asks = async { (world.track("e", WaitFor::Workflow, SOON).await.unwrap(), Instant::now()) };
    let (handled, (answer, answered)) = tokio::join!(handles, asks);
    assert_eq!(came(&answer), (EventStatus::Accepted, WaitFor::Workflow, WaitOutcome::Reached));
    assert_eq!((response(&answer), city(&answer)), (json!({"city": "Berlin"}), "Berlin".into()));
    assert!(answered - handled < Duration::from_secs(1), "{:?}", answered - handled);

    // It has ended before anybody looks, and is told without anything being waited for.
    let again = world.track("e", WaitFor::Workflow, SOON).await.unwrap();
    assert_eq!(came(&again), (EventStatus::Duplicate, WaitFor::Workflow, WaitOutcome::Reached));
    assert_eq!((response(&again), city(&again)), (json!({"city": "Berlin"}), "Berlin".into()));

    // Whoever does not wait is told of the event alone.
    let plain = world.track("e", WaitFor::Accepted, SOON).await.unwrap();
    assert_eq!(came(&plain), (EventStatus::Duplicate, WaitFor::Accepted, WaitOutcome::Unspecified));
    assert_eq!(response(&plain), Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn out_of_time_is_said_and_the_next_attempt_waits_on() {
    let world = World::new(HOUR).await;
    let late = world.track("e", WaitFor::Workflow, SHORT).await.unwrap();
    assert_eq!(came(&late), (EventStatus::Accepted, WaitFor::Accepted, WaitOutcome::TimedOut));
    let entry = world.handed().await;
    let asks = world.track("e", WaitFor::Workflow, SOON);
    let (_, again) = tokio::join!(world.handle(&entry, "Berlin"), asks);
    let again = again.unwrap();
    assert_eq!(came(&again), (EventStatus::Duplicate, WaitFor::Workflow, WaitOutcome::Reached));
    assert_eq!(response(&again), json!({"city": "Berlin"}));

    let gives_up = async { world.give_up(&world.handed().await).await };
    let (dead, ()) = tokio::join!(world.track("f", WaitFor::Delivered, SOON), gives_up);
    assert_eq!(came(&dead.unwrap()), (EventStatus::Accepted, WaitFor::Accepted, WaitOutcome::Dead));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_used_again_has_an_end_of_its_own() {
    let window = Duration::from_secs(3);
    let world = World::new(window).await;
    // Nobody handles it within the window: it is forgotten, and nobody can tell any more.
    let begun = Instant::now();
    let first = world.track("e", WaitFor::Workflow, SOON).await.unwrap();
    assert_eq!(came(&first), (EventStatus::Accepted, WaitFor::Accepted, WaitOutcome::TimedOut));
    assert!(begun.elapsed() < SOON / 2, "there is nothing to wait for");

    let second = async {
        let (old, new) = (world.handed().await, world.handed().await);
        world.handle(&old, "Berlin").await;
        world.handle(&new, "Rome").await;
    };
    let (answer, ()) = tokio::join!(world.track("e", WaitFor::Workflow, SOON), second);
    let answer = answer.unwrap();
    assert_eq!(came(&answer), (EventStatus::Accepted, WaitFor::Workflow, WaitOutcome::Reached));
    assert_eq!(response(&answer), json!({"city": "Rome"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_waits_for_the_collector_and_delivered_for_every_destination_and_for_what_was_sent() {
    let world = World::new(HOUR).await;
    let stored = async {
        let entry = world.handed().await;
        // What is stored before the workflows have run is not all of it.
        world.store().await;
        world.handle(&entry, "Berlin").await;
    };
    let (short, ()) = tokio::join!(world.track("e", WaitFor::Stored, A_WHILE), stored);
    assert_eq!(came(&short.unwrap()), (EventStatus::Accepted, WaitFor::Workflow, WaitOutcome::TimedOut));
    world.store().await;
    let again = world.track("e", WaitFor::Stored, SHORT).await.unwrap();
    assert_eq!(came(&again), (EventStatus::Duplicate, WaitFor::Stored, WaitOutcome::Reached));

    // Of a later event, once with a destination that takes it and once with one that does not.
    for (id, dead) in [("f", false), ("g", true)] {
        let handles = async {
            let version = world.handle(&world.handed().await, "Rome").await;
            world.store().await;
            version
        };
        let (version, short) = tokio::join!(handles, world.track(id, WaitFor::Delivered, A_WHILE));
        assert_eq!(came(&short.unwrap()), (EventStatus::Accepted, WaitFor::Stored, WaitOutcome::TimedOut));
        world.deliver(id, "crm", version, dead).await;
        let missing = world.track(id, WaitFor::Delivered, SHORT).await.unwrap();
        assert_eq!(came(&missing).2, WaitOutcome::TimedOut, "what the workflow sent is on its way");

        // Another event's timer stands in for what was sent.
        let other = format!("{id}-other");
        world.track(&other, WaitFor::Accepted, SOON).await.unwrap();
        world.handle(&world.handed().await, "Rome").await;
        world.deliver(&other, &format!("{id}/w/n"), version, false).await;
        let all = world.track(id, WaitFor::Delivered, SHORT).await.unwrap();
        let outcome = if dead { WaitOutcome::Dead } else { WaitOutcome::Reached };
        let reached = if dead { WaitFor::Stored } else { WaitFor::Delivered };
        assert_eq!(came(&all), (EventStatus::Duplicate, reached, outcome));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_too_many_wait_nothing_is_written_and_a_process_that_stops_answers() {
    let world = World::new(HOUR).await;
    let rooms: Vec<_> = (0..4).map(|_| world.waiting.enter().unwrap()).collect();
    let refused = world.track("e", WaitFor::Workflow, SOON).await;
    assert!(matches!(refused, Err(ProcessError::TooManyWaiting)));
    let plain = world.track("e", WaitFor::Accepted, SOON).await.unwrap();
    assert_eq!(came(&plain).0, EventStatus::Accepted, "the refused call has written nothing");
    drop(rooms);

    let begun = Instant::now();
    let stops = async {
        eventually(SOON, async || {
            match (0..4)
                .map(|_| world.waiting.enter())
                .collect::<Vec<_>>()
                .iter()
                .filter(|room| room.is_ok())
                .count()
            {
                4 => Err("nobody waits".to_owned()),
                _ => Ok(()),
            }
        })
        .await;
        world.stopping.cancel();
    };
    let (answer, ()) = tokio::join!(world.track("e", WaitFor::Workflow, SOON), stops);
    assert_eq!(came(&answer.unwrap()), (EventStatus::Duplicate, WaitFor::Accepted, WaitOutcome::TimedOut));
    assert!(begun.elapsed() < SOON / 2, "{:?}", begun.elapsed());
}
