//! Pauses, and how runs go on.

use serde_json::json;
use tributary_model::{IntentOp, Time};

use super::{Case, Do, changes, graph, later, node, through, triggered, turns};
use crate::{Ending, Graph, MAX_PAUSED, RunState};

fn waits_for_pay() -> Graph {
    graph(vec![
        node(
            "wait",
            "done=after",
            &[Do::Wait(Some(60), Some(("pay", "event.properties.sum > memory.wait"))), Do::Emit("went-on")],
        ),
        node("after", "", &[Do::Change("interests.all", IntentOp::Increment, json!(1))]),
    ])
}

fn pay(sum: u32, now: Time) -> Case {
    Case { id: "e2", event_type: "pay", now, paused: 1, ..Case::with(json!({"sum": sum})) }
}

/// A node that waits for an event whose sum is more than what it remembers.
fn more_than_five() -> Graph {
    let wait = Do::Wait(Some(60), Some(("pay", "event.properties.sum > memory.wait")));
    graph(vec![
        node(
            "wait",
            "done=after",
            &[Do::Remember(json!(5)), wait, Do::Compute("event.type"), Do::Emit("made")],
        ),
        node("after", "", &[Do::Change("seen", IntentOp::Set, json!(true))]),
    ])
}

#[test]
fn a_paused_run_says_what_it_waits_for_and_goes_on_when_its_time_has_come() {
    let (case, graph) = (Case::default(), waits_for_pay());
    let run = case.run(&graph);
    assert_eq!(run.ending, Ending::Paused { until: Some(later(60)), events: vec!["pay".into()] });
    let due = case.due(&graph, &run, later(61));
    assert_eq!(
        (turns(&due), &due.ending),
        (vec!["wait:done".to_string(), "after:done".into()], &Ending::Done)
    );
    assert_eq!(due.records[0].why.as_deref(), Some("due"));
    assert_eq!(due.resumed.as_deref(), Some("e/1"));
    assert_eq!(due.changes[0].id.as_str(), "e/2/w.1/0000");
    assert_eq!((due.changes[0].time, due.emits[0].time), (later(61), later(61)));
}

#[test]
fn an_event_resumes_the_runs_that_wait_for_it_and_leaves_the_others() {
    let (case, graph) = (Case::default(), more_than_five());
    let run = case.run(&graph);
    let resume = |event: &Case| through(event.handling(vec![case.paused(&graph, &run)], Vec::new())).runs;
    assert!(resume(&pay(5, later(10))).is_empty(), "it is not the one");
    assert!(resume(&Case { event_type: "look", ..pay(6, later(10)) }).is_empty());
    assert!(resume(&pay(6, later(61))).is_empty(), "it happened too late, however late the timer is");
    let on = resume(&Case { details: true, ..pay(6, later(10)) });
    assert_eq!(turns(&on[0]), ["wait:done", "after:done"]);
    assert_eq!(on[0].event.as_str(), "e");
    assert_eq!(on[0].records[0].output, Some(json!("buy")), "the run's own event is what its nodes see");
    assert_eq!(on[0].changes[0].id.as_str(), "e/2/w.1/0000");
    assert_eq!(on[0].changes[0].time, later(10), "the time of the event that resumed it");
}

#[test]
fn runs_that_waited_come_before_those_that_are_triggered_and_all_see_what_was_changed() {
    let (case, waiting) = (Case::default(), more_than_five());
    let probe =
        graph(vec![node("ask", "yes=b", &[Do::If("profile.seen")]), node("b", "", &[Do::Emit("saw")])]);
    let run = case.run(&waiting);
    let event = pay(6, later(10));
    let paused = vec![case.paused(&waiting, &run)];
    let runs = through(event.handling(paused, vec![triggered("probe", &probe)])).runs;
    assert_eq!(runs.iter().map(|run| run.workflow.as_str()).collect::<Vec<_>>(), ["w", "probe"]);
    assert_eq!(turns(&runs[1]), ["ask:yes", "b:done"]);
}

#[test]
fn branches_pause_each_for_itself() {
    let graph = graph(vec![
        node("a", "done=short,long,event", &[]),
        node("short", "done=join", &[Do::Wait(Some(10), None), Do::Leave("done")]),
        node("long", "done=join", &[Do::Wait(Some(20), None), Do::Leave("done")]),
        node("event", "done=join", &[Do::Wait(Some(30), Some(("pay", "true"))), Do::Leave("done")]),
        node("join", "", &[]),
    ]);
    let case = Case::default();
    let first = case.run(&graph);
    assert_eq!(first.ending, Ending::Paused { until: Some(later(10)), events: vec!["pay".into()] });
    let second = case.due(&graph, &first, later(10));
    assert_eq!(turns(&second), ["short:done"]);
    let event = pay(1, later(12));
    let third = through(event.handling(vec![case.paused(&graph, &second)], Vec::new())).runs.remove(0);
    assert_eq!(turns(&third), ["event:done"]);
    assert_eq!(third.ending, Ending::Paused { until: Some(later(20)), events: Vec::new() });
    assert_eq!(third.state.pauses, 3);
    let last = case.due(&graph, &third, later(20));
    assert_eq!(turns(&last), ["long:done", "join:done"]);
}

#[test]
fn a_timer_that_comes_early_by_another_clock_is_on_time() {
    let (case, graph) = (
        Case { details: true, ..Case::default() },
        graph(vec![node("a", "", &[Do::Wait(Some(60), None), Do::Compute("now")])]),
    );
    let due = case.due(&graph, &case.run(&graph), later(59));
    assert_eq!(due.records[0].output, Some(json!(later(60).to_string())));
    assert_eq!(due.ending, Ending::Done);
}

#[test]
fn a_run_that_fails_after_a_pause_keeps_what_it_did_before() {
    let graph = graph(vec![
        node("a", "done=b", &[Do::Emit("before"), Do::Wait(Some(60), None), Do::Emit("after")]),
        node("b", "", &[Do::Fail]),
    ]);
    let case = Case::default();
    let first = case.run(&graph);
    assert_eq!(first.emits.len(), 1);
    let second = case.due(&graph, &first, later(60));
    assert_eq!(second.ending, Ending::Failed("b: it gives up".into()));
    assert!(second.emits.is_empty() && second.state == RunState::default());
}

#[test]
fn nobody_waits_for_longer_than_a_year() {
    let wait = |seconds| {
        Case::default().run(&graph(vec![node("a", "", &[Do::Wait(seconds, Some(("x", "true")))])])).ending
    };
    assert_eq!(wait(None), Ending::Paused { until: Some(later(366 * 24 * 3600)), events: vec!["x".into()] });
    assert_eq!(
        wait(Some(366 * 24 * 3600 + 1)),
        Ending::Failed("a: a run pauses for at most 366 days, and this would be longer".into())
    );
}

#[test]
fn a_profile_has_so_many_paused_runs_and_a_resumed_one_gives_its_place_away() {
    let graph =
        graph(vec![node("a", "", &[Do::Wait(Some(60), Some(("buy", "true"))), Do::Wait(Some(60), None)])]);
    let full = Case { paused: MAX_PAUSED, ..Case::default() };
    let refused = full.run(&graph).ending;
    assert_eq!(
        refused,
        Ending::Failed("a profile has at most 64 paused runs, and this would be one more".into())
    );
    assert!(matches!(
        Case { paused: MAX_PAUSED - 1, ..Case::default() }.run(&graph).ending,
        Ending::Paused { .. }
    ));
    let run = Case::default().run(&graph);
    let other = Case { id: "e2", ..full };
    let end =
        super::graph(vec![node("a", "", &[Do::Wait(Some(60), Some(("buy", "true"))), Do::Leave("done")])]);
    let case = Case::default();
    let runs = |resumed| {
        let waiting = vec![case.paused(resumed, &run)];
        through(other.handling(waiting, vec![triggered("new", &graph)])).runs
    };
    let endings: Vec<bool> = runs(&end).iter().map(|run| matches!(run.ending, Ending::Failed(_))).collect();
    assert_eq!(endings, [false, false]);
    let endings: Vec<bool> = runs(&graph).iter().map(|run| matches!(run.ending, Ending::Failed(_))).collect();
    assert_eq!(endings, [false, true], "it paused again");
}

#[test]
fn a_state_of_another_revision_fails_the_run_and_nothing_else() {
    let (case, graph) = (Case::default(), waits_for_pay());
    let run = case.run(&super::graph(vec![node("other", "", &[Do::Wait(Some(60), None)])]));
    let due = case.due(&graph, &run, later(60));
    assert_eq!(
        due.ending,
        Ending::Failed(
            "the run's state does not fit this workflow (at other): it belongs to another revision".into()
        )
    );
    assert_eq!(changes(&[due]).count(), 0);
}
