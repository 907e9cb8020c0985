//! For-each.

use serde_json::json;

use super::{Case, Do, graph, later, node, turns};
use crate::{Ending, Graph, MAX_ITEMS};

fn over(items: serde_json::Value, body: &[Do]) -> Graph {
    graph(vec![
        node("each", "done=after", &[Do::Each(items)]),
        node("each/x", "done=y a=y b=y", body),
        node("each/y", "", &[Do::Compute("[memory.each.index, memory.each.item, has(memory.x)]")]),
        node("after", "", &[Do::Compute("has(memory.each) ? 'still' : 'gone'")]),
    ])
}

#[test]
fn the_body_is_run_for_each_item_one_after_the_other() {
    let case = Case { details: true, ..Case::default() };
    let run = case.run(&over(json!(["p", "q"]), &[]));
    assert_eq!(
        turns(&run),
        ["each:-", "x[1]:done", "y[1]:done", "x[2]:done", "y[2]:done", "each:done", "after:done"]
    );
    let said: Vec<_> = run.records.iter().filter_map(|record| record.output.clone()).collect();
    assert_eq!(json!(said), json!([[1, "p", false], [2, "q", false], "gone"]));
    assert_eq!(run.records[1].from, Some(("each".into(), "each".into())));
}

#[test]
fn without_items_it_is_left_at_once() {
    assert_eq!(turns(&Case::default().run(&over(json!([]), &[]))), ["each:done", "after:done"]);
}

#[test]
fn an_item_begins_without_what_the_body_remembered_of_the_one_before() {
    let graph = graph(vec![
        node("each", "done=after", &[Do::Each(json!([1, 2]))]),
        node("each/x", "done=y", &[Do::Compute("has(memory.y) ? 'old' : 'new'")]),
        node("each/y", "", &[Do::Remember(json!(true))]),
        node("after", "", &[Do::Compute("memory.x")]),
    ]);
    let run = Case { details: true, ..Case::default() }.run(&graph);
    assert_eq!(run.records.last().unwrap().output, Some(json!("new")), "the last item's is there afterwards");
}

#[test]
fn calls_and_pauses_in_the_body_hold_up_the_items_behind_them() {
    let case = Case::default();
    let run = case.run(&over(json!([1, 2]), &[Do::Call, Do::LeaveAsTold]));
    let way = [
        "each:-",
        "x[1]:-",
        "x[1]:b",
        "y[1]:done",
        "x[2]:-",
        "x[2]:b",
        "y[2]:done",
        "each:done",
        "after:done",
    ];
    assert_eq!(turns(&run), way);

    let graph = over(json!([1, 2]), &[Do::Wait(Some(60), None), Do::Emit("made")]);
    let first = case.run(&graph);
    assert_eq!(turns(&first), ["each:-", "x[1]:-"]);
    let second = case.due(&graph, &first, later(60));
    assert_eq!(turns(&second), ["x[1]:done", "y[1]:done", "x[2]:-"]);
    assert_eq!(second.ending, Ending::Paused { until: Some(later(120)), events: Vec::new() });
    let third = case.due(&graph, &second, later(120));
    assert_eq!(turns(&third), ["x[2]:done", "y[2]:done", "each:done", "after:done"]);
    assert_ne!(second.emits[0].id, third.emits[0].id);
}

#[test]
fn a_branch_that_ends_in_the_body_ends_the_item_and_stop_ends_the_run() {
    let run = Case::default().run(&over(json!([1, 2]), &[Do::Error(None)]));
    assert_eq!(turns(&run), ["each:-", "x[1]:-", "x[2]:-", "each:done", "after:done"]);
    let run = Case::default().run(&over(json!([1, 2]), &[Do::Stop]));
    assert_eq!((turns(&run), run.ending), (vec!["each:-".to_string(), "x[1]:-".into()], Ending::Done));
}

#[test]
fn a_join_in_the_body_is_of_its_item() {
    let graph = graph(vec![
        node("each", "", &[Do::Each(json!([1, 2]))]),
        node("each/x", "yes=y,z no=y", &[Do::If("memory.each.item == 2")]),
        node("each/y", "done=join", &[]),
        node("each/z", "done=join", &[]),
        node("each/join", "", &[]),
    ]);
    let run = Case::default().run(&graph);
    assert_eq!(
        turns(&run),
        [
            "each:-",
            "x[1]:no",
            "y[1]:done",
            "join[1]:done",
            "x[2]:yes",
            "y[2]:done",
            "z[2]:done",
            "join[2]:done",
            "each:done"
        ]
    );
}

#[test]
fn there_are_only_so_many_items() {
    let run = Case::default().run(&over(json!(vec![1; MAX_ITEMS + 1]), &[]));
    assert_eq!(
        run.ending,
        Ending::Failed("each: a for_each goes through at most 64 items, and here are 65".into())
    );
    let run = Case::default().run(&over(json!(["x".repeat(40_000), "y".repeat(40_000)]), &[]));
    let told = "each: the items that a run goes through at one time have at most 65536 bytes, and these would be more";
    assert_eq!(run.ending, Ending::Failed(told.into()));
}

#[test]
fn the_items_of_all_that_are_gone_through_at_one_time_are_counted_together() {
    let two = |wait: bool| {
        let body = if wait { vec![Do::Wait(Some(60), None), Do::Leave("done")] } else { Vec::new() };
        graph(vec![
            node("a", "done=one,two", &[]),
            node("one", "", &[Do::Each(json!(["x".repeat(40_000)]))]),
            node("one/x", "", &body),
            node("two", "", &[Do::Each(json!(["y".repeat(20_000), "z".repeat(20_000)]))]),
            node("two/y", "", &body),
        ])
    };
    assert_eq!(Case::default().run(&two(false)).ending, Ending::Done, "one after the other");
    let told = "two: the items that a run goes through at one time have at most 65536 bytes, and these would be more";
    assert_eq!(Case::default().run(&two(true)).ending, Ending::Failed(told.into()));
}

#[test]
fn items_that_are_too_deep_to_be_remembered_are_an_error() {
    let over = |levels: usize| {
        let item = (0..levels).fold(json!(1), |value, _| json!([value]));
        graph(vec![
            node("each", "error=told", &[Do::Each(json!([item]))]),
            node("each/x", "", &[]),
            node("told", "", &[]),
        ])
    };
    assert_eq!(turns(&Case::default().run(&over(31))), ["each:-", "x[1]:done", "each:done"]);
    let run = Case::default().run(&over(32));
    assert_eq!(turns(&run), ["each:error", "told:done"]);
    assert!(run.records[0].why.as_deref().unwrap().starts_with("TOO_DEEP: "));
}
