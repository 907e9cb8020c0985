//! How much evaluations may cost together.

use serde_json::{Value, json};
use tributary_expressions::{Condition, Verdict};

use super::{Case, Do, graph, later, node, through, triggered};
use crate::*;

/// What takes some 400,000 steps of the 10 million: a text of 64 bytes is looked at in one.
const LOOK: &str = "event.properties.long.contains('y')";

fn long() -> Value {
    json!({"long": "x".repeat(64 * 400_000)})
}

#[test]
fn each_paused_run_may_ask_as_much_as_it_needs_and_triggers_behind_them_too() {
    let waits = graph(vec![node(
        "a",
        "",
        &[Do::Wait(Some(60), Some(("pay", "!event.properties.long.contains('y')"))), Do::Leave("done")],
    )]);
    let case = Case::default();
    let run = case.run(&waits);
    let event = Case { event_type: "pay", now: later(1), ..Case::with(long()) };
    let waiting = (0..40).map(|n| PausedRun { timer: n.to_string(), ..case.paused(&waits, &run) }).collect();
    let fine = graph(vec![node("a", "", &[])]);
    let condition = Condition::compile("!event.properties.long.contains('y')").unwrap();
    let triggered = Triggered { condition: Some(&condition), ..triggered("w", &fine) };
    let finished = through(event.handling(waiting, vec![triggered]));
    assert_eq!(finished.runs.len(), 41, "forty times 400,000 steps are more than an event's runs have");
    assert!(finished.runs.iter().all(|run| run.ending == Ending::Done) && finished.undecided.is_empty());
}

#[test]
fn a_paused_run_that_cannot_decide_waits_on_and_is_told() {
    let waits = |condition| graph(vec![node("a", "", &[Do::Wait(Some(60), Some(("pay", condition)))])]);
    let case = Case::default();
    let event = Case {
        event_type: "pay",
        now: later(1),
        ..Case::with(json!({"sum": "five", "long": "x".repeat(64 * 600_000)}))
    };
    for (condition, why) in [
        ("event.properties.sum > 5", "> does not work on string, number"),
        (LOOK, "is too long for this expression"),
    ] {
        let waits = waits(condition);
        let paused = case.paused(&waits, &case.run(&waits));
        let finished = through(event.handling(vec![paused], Vec::new()));
        assert!(finished.runs.is_empty());
        let [Undecided { run, node, reason }] = finished.undecided.as_slice() else { panic!("{finished:?}") };
        assert_eq!((run.resumed.as_deref(), run.event.as_str(), node.as_str()), (Some("e/1"), "e", "a"));
        assert!(reason.contains(why), "{reason}");
    }
    let waits = waits("event.properties.gone == 1");
    let paused = case.paused(&waits, &case.run(&waits));
    assert!(
        through(event.handling(vec![paused], Vec::new())).undecided.is_empty(),
        "what is missing says no"
    );
}

#[test]
fn calls_give_a_run_no_new_steps() {
    let mut nodes = Vec::new();
    for n in 0..30 {
        nodes.push(node(&format!("look{n}"), &format!("no=ask{n}"), &[Do::If(LOOK)]));
        let to = if n < 29 { format!("done=look{}", n + 1) } else { String::new() };
        nodes.push(node(&format!("ask{n}"), &to, &[Do::Call, Do::Leave("done")]));
    }
    let graph = graph(nodes);
    let event = Case::with(long());
    let run = event.run(&graph);
    let told = "too much work";
    let last = run.records.last().unwrap();
    assert!(last.why.as_deref().unwrap_or_default().contains(told), "{last:?}");
    assert!((10..30).contains(&run.state.calls), "{}", run.state.calls);
}

#[test]
fn showing_events_of_the_past_costs_what_it_takes() {
    #[derive(Debug)]
    struct Look(Condition);
    impl Node for Look {
        fn kind(&self) -> &'static str {
            "look"
        }
        fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
            let past = std::iter::repeat_with(|| json!({"type": "buy", "properties": long()})).take(40);
            let verdicts = turn.over(past, |scope| self.0.evaluate(scope));
            assert_eq!(verdicts[0], Verdict::True);
            assert!(matches!(&verdicts[39], Verdict::Failed { reason } if reason.contains("too much work")));
            Step::Leave("done".into())
        }
    }
    let condition = Condition::compile("event.type == 'buy'").unwrap();
    let look = Target { node: std::sync::Arc::new(Look(condition)), ..node("look", "", &[]) };
    assert_eq!(Case::default().run(&graph(vec![look])).ending, Ending::Done);
}
