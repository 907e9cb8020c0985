//! What is too much.

use serde_json::{Value, json};
use tributary_model::IntentOp;

use super::{Case, Do, graph, node};
use crate::*;

fn failure(acts: &[Do]) -> Option<String> {
    failures(&[acts]).remove(0)
}

/// Why workflows of one node each fail, one after the other.
fn failures(workflows: &[&[Do]]) -> Vec<Option<String>> {
    let graphs: Vec<Graph> = workflows.iter().map(|acts| graph(vec![node("a", "", acts)])).collect();
    let named: Vec<(&str, &Graph)> = graphs.iter().map(|graph| ("w", graph)).collect();
    let why = |run: RunOutcome| match run.ending {
        Ending::Failed(reason) => Some(reason),
        Ending::Done | Ending::Paused { .. } => None,
    };
    Case::default().runs(&named).into_iter().map(why).collect()
}

fn many(act: Do, times: usize) -> Vec<Do> {
    vec![act; times]
}

#[test]
fn changes_events_and_deliveries_are_counted_over_all_runs_of_an_event_but_those_that_fail() {
    let increment = Do::Change("interests.jazz", IntentOp::Increment, json!(1));
    for (act, most, told) in [
        (
            increment,
            MAX_CHANGES,
            "a: the workflows of one event can make 64 changes, and this would be one more",
        ),
        (
            Do::Emit("x"),
            MAX_EMITS,
            "a: the workflows of one event can make 16 events, and this would be one more",
        ),
        (
            Do::Deliver("x"),
            MAX_DELIVERIES,
            "a: the workflows of one event can send 16 deliveries, and this would be one more",
        ),
    ] {
        let (half, all) = (many(act.clone(), most / 2), many(act.clone(), most));
        let endings = failures(&[&half, &all, &half, &[act]]);
        assert_eq!(endings, [None, Some(told.into()), None, Some(told.into())]);
    }
}

#[test]
fn memory_and_answers_are_bounded() {
    let text = |bytes: usize| Value::from("x".repeat(bytes));
    assert_eq!(
        failure(&[Do::Remember(text(MAX_MEMORY_BYTES - 10)), Do::Remember(text(MAX_MEMORY_BYTES - 10))]),
        None
    );
    let half = text(MAX_RESPONSE_BYTES / 2);
    let endings = failures(&[
        &[Do::Respond("x", half.clone())],
        &[Do::Respond("y", half.clone())],
        &[Do::Respond("x", half.clone())],
    ]);
    assert_eq!(
        endings,
        [
            None,
            Some("a: what is answered to one event has at most 16384 bytes, and this would be more".into()),
            None
        ]
    );
}

#[test]
fn what_is_too_much_to_be_remembered_is_an_error_of_its_node_and_the_rest_stays() {
    let text = |bytes: usize| Value::from("x".repeat(bytes));
    let graph = graph(vec![
        node("a", "done=b error=c", &[Do::Remember(text(40_000))]),
        node(
            "b",
            "done=c error=c",
            &[Do::Remember(json!("small")), Do::Remember(text(MAX_MEMORY_BYTES - 40_000))],
        ),
        node("c", "", &[Do::Compute("[size(memory.a), memory.b]")]),
    ]);
    let run = Case { details: true, ..Case::default() }.run(&graph);
    assert_eq!(super::turns(&run), ["a:done", "b:error", "c:done"]);
    let told =
        "TOO_LARGE: what the nodes of one run remember has at most 65536 bytes, and this would be more";
    assert_eq!(run.records[1].why.as_deref(), Some(told));
    assert_eq!(run.records[2].output, Some(json!([40_000, "small"])));
}

#[test]
fn a_run_makes_so_many_calls() {
    let calls = |several: usize| {
        let mut nodes = vec![node("each", "", &[Do::Each(json!(vec![1; several]))])];
        nodes.push(node("each/a", "", &[Do::Call, Do::LeaveAsTold]));
        Case::default().run(&graph(nodes)).ending
    };
    assert_eq!(calls(MAX_CALLS as usize), Ending::Done);
    let told = "a: a run makes at most 32 calls, and this would be one more";
    assert_eq!(calls(MAX_CALLS as usize + 1), Ending::Failed(told.into()));
}

#[test]
fn a_run_enters_so_many_nodes() {
    let steps = |body: usize| {
        let mut nodes = vec![node("each", "", &[Do::Each(json!(vec![1; 50]))])];
        for index in 0..body {
            let to = if index + 1 < body { format!("done=n{}", index + 1) } else { String::new() };
            nodes.push(node(&format!("each/n{index}"), &to, &[]));
        }
        Case::default().run(&graph(nodes)).ending
    };
    assert_eq!(steps(19), Ending::Done, "951 of them");
    let told = "a run enters at most 1000 nodes, and this would be one more";
    assert_eq!(steps(20), Ending::Failed(told.into()));
}

#[test]
fn a_deliverys_body_is_bounded() {
    #[derive(Debug)]
    struct Large;
    impl Node for Large {
        fn kind(&self) -> &'static str {
            "large"
        }
        fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
            let body = json!({"x": "y".repeat(MAX_DELIVERY_BYTES)}).as_object().unwrap().clone();
            turn.deliver("d", body);
            Step::Leave("done".into())
        }
    }
    let node = Target { node: std::sync::Arc::new(Large), ..node("a", "", &[]) };
    let told = "a: a delivery's body has at most 65536 bytes, and this one has more";
    assert_eq!(Case::default().run(&graph(vec![node])).ending, Ending::Failed(told.into()));
}
