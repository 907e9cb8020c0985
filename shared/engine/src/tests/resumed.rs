//! What a run keeps over its pauses, and how runs that go on stay apart.

use serde_json::json;
use tributary_model::{EventId, IntentOp, Time};

use super::{Case, Do, changes, graph, later, node, through, triggered, turns};
use crate::{Ending, Graph, Ground, Handling, MAX_CALLS, MAX_STEPS, PausedRun, RunOutcome, RunState};

fn state(value: &str) -> Do {
    Do::Change("state", IntentOp::Set, json!(value))
}

fn pays(then: &[Do]) -> Graph {
    let first = [state("waiting"), Do::Wait(Some(3600), Some(("pay", "true")))];
    graph(vec![node("a", "", &[&first, then].concat())])
}

/// What comes of paused runs when an event comes that happened at `time`.
fn paid<'a>(waiting: Vec<PausedRun<'a>>, event: &'a Case, time: Time) -> Vec<RunOutcome> {
    let ground = Ground { now: later(1800), ..event.ground() };
    let view = crate::EventView { time, ..event.event() };
    through(Handling::of_event(ground, EventId::new("pay").unwrap(), view, waiting, Vec::new(), 2)).runs
}

#[test]
fn what_is_done_after_a_pause_has_the_time_of_the_event_that_ended_it_and_not_of_its_handling() {
    let graph = pays(&[state("paid"), Do::Emit("thanks")]);
    let (case, event) = (Case::default(), Case { event_type: "pay", ..Case::default() });
    let run = case.run(&graph);
    let on = paid(vec![case.paused(&graph, &run)], &event, later(600)).remove(0);
    assert_eq!((on.changes[0].time, on.emits[0].time), (later(600), later(600)));
}

#[test]
fn what_is_done_after_a_pause_wins_over_what_was_done_before_it_whatever_the_event_says() {
    let graph = pays(&[state("paid")]);
    let begun = Case { now: later(60), ..Case::default() };
    let event = Case { event_type: "pay", ..Case::default() };
    for time in [later(60), later(59), later(0)] {
        let first = begun.run(&graph);
        let second = paid(vec![begun.paused(&graph, &first)], &event, time).remove(0);
        let shown = begun.after(&[first.clone(), second.clone()]);
        assert_eq!(shown, json!({"state": "paid"}), "{time}");
        assert!(second.changes[0].time > first.changes[0].time);
    }
}

#[test]
fn a_run_is_later_than_its_last_pause_also_where_it_did_nothing_then() {
    let graph = graph(vec![
        node("a", "done=b", &[Do::Wait(Some(60), Some(("pay", "true"))), state("one")]),
        node("b", "done=c", &[Do::Wait(Some(60), Some(("pay", "true"))), state("two")]),
        node("c", "", &[state("three")]),
    ]);
    let (case, event) = (Case::default(), Case { event_type: "pay", ..Case::default() });
    let first = case.run(&graph);
    let second = paid(vec![case.paused(&graph, &first)], &event, later(30)).remove(0);
    let third = paid(vec![case.paused(&graph, &second)], &event, later(10)).remove(0);
    assert_eq!(case.after(&[first, second, third.clone()]), json!({"state": "three"}));
    assert!(changes(&[third]).all(|change| change.time > later(30)));
}

#[test]
fn the_oldest_pause_goes_on_first_and_the_next_one_sees_what_it_did() {
    let count = Do::Change("interests.all", IntentOp::Increment, json!(1));
    let graph = pays(&[count, Do::If("profile.interests.all == 1")]);
    let (case, event) = (Case::default(), Case { event_type: "pay", ..Case::default() });
    let run = case.run(&graph);
    let waiting = [("old", "b"), ("new", "a")].map(|(timer, workflow)| PausedRun {
        timer: timer.into(),
        workflow,
        ..case.paused(&graph, &run)
    });
    let runs = paid(waiting.into(), &event, later(600));
    let order: Vec<_> = runs.iter().map(|run| (run.resumed.as_deref().unwrap(), turns(run))).collect();
    assert_eq!(order, [("old", vec!["a:yes".to_string()]), ("new", vec!["a:no".to_string()])]);
}

#[test]
fn workflows_that_go_on_with_one_event_make_changes_with_ids_of_their_own() {
    let graph = pays(&[state("paid")]);
    let (case, event) = (Case::default(), Case { event_type: "pay", ..Case::default() });
    let run = case.run(&graph);
    let waiting = ["a", "b"].map(|workflow| PausedRun { workflow, ..case.paused(&graph, &run) });
    let runs = paid(waiting.into(), &event, later(600));
    let ids: Vec<_> = changes(&runs).map(|change| change.id.as_str()).collect();
    assert_eq!(ids, ["e/2/a.1/0000", "e/2/b.1/0000"]);
}

#[test]
fn nodes_and_calls_are_counted_over_all_pauses_of_a_run() {
    let wait = [Do::Wait(Some(60), None), Do::Leave("done")];
    let graph = graph(vec![
        node("ask", "a=wait b=wait", &[Do::Call, Do::LeaveAsTold]),
        node("wait", "done=again", &wait),
        node("again", "a=rest b=rest", &[Do::Call, Do::LeaveAsTold]),
        node("rest", "done=end", &wait),
        node("end", "", &[]),
    ]);
    let case = Case::default();
    let counts = |run: &RunOutcome| (run.state.steps, run.state.calls, run.state.pauses);
    let first = case.run(&graph);
    assert_eq!(counts(&first), (2, 1, 1));
    let second = case.due(&graph, &first, later(60));
    assert_eq!(counts(&second), (4, 2, 2));
    assert_eq!(case.due(&graph, &second, later(120)).ending, Ending::Done);

    let on = |state: RunState| case.due(&graph, &RunOutcome { state, ..first.clone() }, later(60)).ending;
    let failed = |told: &str| Ending::Failed(format!("{told}, and this would be one more"));
    let many = RunState { steps: MAX_STEPS, ..first.state.clone() };
    assert_eq!(on(many), failed("a run enters at most 1000 nodes"));
    let many = RunState { calls: MAX_CALLS, ..first.state.clone() };
    assert_eq!(on(many), failed("again: a run makes at most 32 calls"));
}

#[test]
fn stop_ends_branches_that_are_paused() {
    let graph = graph(vec![
        node("a", "done=long,short,event", &[]),
        node("long", "done=after", &[Do::Wait(Some(600), None), Do::Leave("done")]),
        node("short", "", &[Do::Wait(Some(60), None), Do::Emit("stopped"), Do::Stop]),
        node("event", "done=after", &[Do::Wait(Some(600), Some(("pay", "true"))), Do::Leave("done")]),
        node("after", "", &[Do::Emit("never")]),
    ]);
    let case = Case::default();
    let paused = case.run(&graph);
    assert_eq!(paused.ending, Ending::Paused { until: Some(later(60)), events: vec!["pay".into()] });
    let stopped = case.due(&graph, &paused, later(60));
    assert_eq!((turns(&stopped), &stopped.ending), (vec!["short:-".to_string()], &Ending::Done));
    assert_eq!(stopped.emits.len(), 1, "what was done stays");

    let graph = super::graph(vec![
        node("a", "done=wait,stop", &[]),
        node("wait", "", &[Do::Wait(Some(60), None)]),
        node("stop", "", &[Do::Stop]),
    ]);
    assert_eq!(case.run(&graph).ending, Ending::Done, "a branch that paused before does not hold it");
}

#[test]
fn calls_say_which_run_makes_them() {
    let asks = graph(vec![node("ask", "", &[Do::Call, Do::Leave("done")])]);
    let graph = graph(vec![
        node("wait", "done=ask", &[Do::Wait(Some(60), Some(("pay", "true"))), Do::Leave("done")]),
        node("ask", "", &[Do::Call, Do::Leave("done")]),
    ]);
    // Ids hold slashes too: what is before the first one in a key need not be an event.
    let case = Case { id: "e/w", ..Case::default() };
    let run = case.run(&graph);
    let event = Case { id: "e", event_type: "pay", ..Case::default() };
    let mut handling = event.handling(vec![case.paused(&graph, &run)], vec![triggered("w", &asks)]);
    let mut named = Vec::new();
    for _ in 0..2 {
        let crate::Proceeding::Calls { run, .. } = handling.proceed() else { panic!("it calls") };
        named.push((run.workflow, run.event.to_string(), run.resumed));
        handling.answer(Default::default(), later(61));
    }
    assert_eq!(
        named,
        [
            ("w".to_string(), "e/w".to_string(), Some("e/w/1".to_string())),
            ("w".to_string(), "e".to_string(), None)
        ]
    );
}
