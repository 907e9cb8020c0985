//! Calls that wait, on a clock that does not run.

use super::*;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;
use tributary_config::WaitFor;
use tributary_model::{EventId, PartitionId, ProfileId, StreamId, TenantId};
use tributary_proto::v1::WaitOutcome::{self, Dead, Reached, TimedOut};
use tributary_streams::{Delivered, Ending, Progress, StreamsError};

/// What the stages are to say, and when.
#[derive(Clone, Default)]
struct Played(Arc<Inner>);

#[derive(Default)]
struct Inner {
    looks: AtomicUsize,
    told: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ends: HashMap<String, Progress>,
    stored: StreamId,
    delivered: HashMap<String, Delivered>,
    away: bool,
    hangs: bool,
}

impl Played {
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.state.lock().unwrap());
    }

    fn end(&self, event: &str, ending: Ending) {
        let outcome = Vec::new();
        let ended = Progress::Ended { entry: at(10), ending, version: at(12), outcome };
        self.set(|state| {
            state.ends.insert(event.to_owned(), ended);
        });
    }

    fn tell(&self) {
        self.0.told.notify_waiters();
    }

    fn looks(&self) -> usize {
        self.0.looks.load(Ordering::Relaxed)
    }

    async fn look<T>(&self, look: impl FnOnce(&State) -> T) -> Result<T, StreamsError> {
        self.0.looks.fetch_add(1, Ordering::Relaxed);
        if self.0.state.lock().unwrap().hangs {
            std::future::pending::<()>().await;
        }
        let state = self.0.state.lock().unwrap();
        if state.away { Err(StreamsError::Broken("away".to_owned())) } else { Ok(look(&state)) }
    }
}

impl Lookout for Played {
    async fn progress(&self, _: &Place<'_>, events: &[&EventId]) -> Result<Vec<Progress>, StreamsError> {
        let waiting = Progress::Waiting { entry: at(10) };
        let progress =
            |state: &State, event: &EventId| state.ends.get(event.as_str()).unwrap_or(&waiting).clone();
        self.look(|state| events.iter().map(|event| progress(state, event)).collect()).await
    }

    async fn stored(&self, _: &Place<'_>) -> Result<StreamId, StreamsError> {
        self.look(|state| state.stored).await
    }

    async fn delivered(&self, _: &Place<'_>) -> Result<HashMap<String, Delivered>, StreamsError> {
        self.look(|state| state.delivered.clone()).await
    }

    fn destinations(&self, _: &TenantId) -> Vec<String> {
        vec!["crm".to_owned()]
    }

    fn told(&self, _: &Place<'_>, _: &EventId) -> impl Future<Output = ()> + Send + use<> {
        let inner = self.0.clone();
        async move { inner.told.notified().await }
    }
}

fn at(ms: u64) -> StreamId {
    StreamId::new(ms, 0)
}

fn expected(event: &str, level: WaitFor) -> Expected {
    Expected { event: EventId::new(event).unwrap(), entry: at(10), level, version: at(8), last_change: at(9) }
}

const PATIENCE: Duration = Duration::from_secs(3);

/// Waits for `events`, while `meanwhile` happens. Answers how far each came, and after what time.
async fn wait(
    played: &Played,
    events: &[(&str, WaitFor)],
    stopping: &CancellationToken,
    meanwhile: impl Future<Output = ()>,
) -> (Vec<(WaitFor, WaitOutcome)>, Duration) {
    let waiting = Waiting::new(played.clone(), 1, stopping.clone());
    let (tenant, profile) = (TenantId::new("t").unwrap(), ProfileId::new("p").unwrap());
    let place = Place { partition: PartitionId(1), tenant: &tenant, profile: &profile };
    let events = events.iter().map(|(event, level)| expected(event, *level)).collect();
    let begun = Instant::now();
    let waits = async {
        let waited = waiting.wait(&place, events, begun + PATIENCE).await;
        (waited, begun.elapsed())
    };
    let ((waited, after), ()) = tokio::join!(waits, meanwhile);
    (waited.into_iter().map(|waited| (waited.reached, waited.wait.unwrap())).collect(), after)
}

async fn in_peace(played: &Played, events: &[(&str, WaitFor)]) -> (Vec<(WaitFor, WaitOutcome)>, Duration) {
    wait(played, events, &CancellationToken::new(), async {}).await
}

#[tokio::test(start_paused = true)]
async fn what_ended_before_the_look_is_answered_at_once() {
    let played = Played::default();
    played.end("e", Ending::Done);
    played.set(|state| state.stored = at(12));
    let (waited, after) = in_peace(&played, &[("e", WaitFor::Stored)]).await;
    assert_eq!((waited, after), (vec![(WaitFor::Stored, Reached)], Duration::ZERO));
    assert_eq!(played.looks(), 2, "one for each step");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_told_is_answered_then_and_one_that_is_not_within_a_quarter_of_a_second() {
    for (told, at_most) in [(true, 1), (false, 250)] {
        let played = Played::default();
        let ends = async {
            sleep(Duration::from_millis(900)).await;
            played.end("e", Ending::Done);
            if told {
                played.tell();
            }
        };
        let (waited, after) =
            wait(&played, &[("e", WaitFor::Workflow)], &CancellationToken::new(), ends).await;
        assert_eq!(waited, [(WaitFor::Workflow, Reached)]);
        let late = after - Duration::from_millis(900);
        assert!(late <= Duration::from_millis(at_most), "{late:?}");
        assert!(played.looks() <= 10, "{} looks", played.looks());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_reached_in_time_is_said_with_what_was() {
    let played = Played::default();
    played.end("stored", Ending::Done);
    played.end("dead", Ending::Dead);
    played.set(|state| {
        state.stored = at(12);
        state.ends.insert("forgotten".to_owned(), Progress::Unknown);
    });
    let events = [
        ("stored", WaitFor::Delivered),
        ("dead", WaitFor::Stored),
        ("forgotten", WaitFor::Workflow),
        ("waits", WaitFor::Workflow),
    ];
    let (waited, after) = in_peace(&played, &events).await;
    assert_eq!(
        waited,
        [
            (WaitFor::Stored, TimedOut),
            (WaitFor::Accepted, Dead),
            (WaitFor::Accepted, TimedOut),
            (WaitFor::Accepted, TimedOut)
        ]
    );
    assert!(after.abs_diff(PATIENCE) <= SHORTEST, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_gave_up_ends_the_waiting() {
    let played = Played::default();
    played.end("e", Ending::Done);
    played.set(|state| state.stored = at(12));
    let gives_up = async {
        sleep(Duration::from_secs(1)).await;
        let mark = Delivered { version: at(12), dead: true };
        played.set(|state| {
            state.delivered.insert("crm".to_owned(), mark);
        });
    };
    let stopping = CancellationToken::new();
    let (waited, after) = wait(&played, &[("e", WaitFor::Delivered)], &stopping, gives_up).await;
    assert_eq!(waited, [(WaitFor::Stored, Dead)]);
    assert!(after < Duration::from_millis(1201), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_redis_that_is_away_or_hangs_costs_no_more_than_the_patience() {
    for hangs in [false, true] {
        let played = Played::default();
        played.set(|state| (state.away, state.hangs) = (!hangs, hangs));
        let (waited, after) = in_peace(&played, &[("e", WaitFor::Workflow)]).await;
        assert_eq!(waited, [(WaitFor::Accepted, TimedOut)]);
        assert!(after.abs_diff(PATIENCE) <= SHORTEST, "{after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stops_waits_a_little_longer_and_no_more() {
    let (played, stopping) = (Played::default(), CancellationToken::new());
    let stops = async {
        sleep(Duration::from_millis(100)).await;
        stopping.cancel();
    };
    let (waited, after) = wait(&played, &[("e", WaitFor::Workflow)], &stopping, stops).await;
    assert_eq!(waited, [(WaitFor::Accepted, TimedOut)]);
    assert!(after.abs_diff(GRACE) <= Duration::from_millis(120), "{after:?}");
    assert!(played.looks() < 30, "{} looks", played.looks());
}

#[test]
fn one_call_too_many_is_refused_until_another_has_its_answer() {
    let waiting = Waiting::new(Played::default(), 1, CancellationToken::new());
    let room = waiting.enter().unwrap();
    assert!(matches!(waiting.enter(), Err(ProcessError::TooManyWaiting)));
    drop(room);
    waiting.enter().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_look_is_one_question_however_many_events_a_call_has() {
    let played = Played::default();
    let names: Vec<String> = (0..100).map(|number| format!("e{number}")).collect();
    for name in &names[..50] {
        played.end(name, Ending::Done);
    }
    let ends = async {
        sleep(Duration::from_millis(10)).await;
        names[50..].iter().for_each(|name| played.end(name, Ending::Done));
        played.tell();
    };
    let events: Vec<(&str, WaitFor)> = names.iter().map(|name| (name.as_str(), WaitFor::Workflow)).collect();
    let (waited, _) = wait(&played, &events, &CancellationToken::new(), ends).await;
    assert_eq!(waited, [(WaitFor::Workflow, Reached); 100]);
    assert!(played.looks() <= 4, "{} looks", played.looks());
}
