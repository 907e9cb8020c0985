//! Which nodes are entered, and in which order.

use serde_json::json;

use super::{Case, Do, graph, node, turns};
use crate::Ending;

fn plain(name: &str, to: &str) -> crate::Target {
    node(name, to, &[])
}

#[test]
fn a_run_begins_with_the_first_node_and_takes_every_way_that_a_port_leads() {
    let graph = graph(vec![
        node("ask", "yes=b,c no=d", &[Do::If("event.properties.value > 5")]),
        plain("d", ""),
        plain("c", ""),
        plain("b", "done=e"),
        plain("e", ""),
    ]);
    let over = |value| turns(&Case::with(json!({"value": value})).run(&graph));
    assert_eq!(over(6), ["ask:yes", "c:done", "b:done", "e:done"], "in the order in which they are written");
    assert_eq!(over(5), ["ask:no", "d:done"]);
}

#[test]
fn a_missing_path_makes_a_condition_false_and_is_recorded() {
    let graph =
        graph(vec![node("ask", "yes=b no=c", &[Do::If("profile.x > 5")]), plain("b", ""), plain("c", "")]);
    let run = Case::default().run(&graph);
    assert_eq!(turns(&run), ["ask:no", "c:done"]);
    assert_eq!(run.records[0].missing, ["profile.x"]);
}

#[test]
fn a_node_is_entered_once_by_the_first_way_that_leads_there() {
    let graph =
        graph(vec![plain("a", "done=b,c"), plain("b", "done=d"), plain("c", "done=d"), plain("d", "")]);
    let run = Case::default().run(&graph);
    assert_eq!(turns(&run), ["a:done", "b:done", "c:done", "d:done"]);
    assert_eq!(run.records[3].from, Some(("b".into(), "done".into())));
    assert_eq!(run.records[0].from, None);
}

#[test]
fn a_join_waits_for_all_branches_that_can_still_come_and_for_no_others() {
    let branches = |third: &[Do]| {
        graph(vec![
            plain("a", "done=b,c,d"),
            node("b", "a=join b=join", &[Do::Call, Do::LeaveAsTold]),
            node("c", "yes=join", &[Do::Leave("no")]),
            node("d", "done=e", third),
            plain("e", "done=join"),
            plain("join", ""),
        ])
    };
    let all = Case::default().run(&branches(&[]));
    assert_eq!(turns(&all), ["a:done", "b:-", "c:no", "d:done", "e:done", "b:b", "join:done"]);
    let one_ended = Case::default().run(&branches(&[Do::Error(None)]));
    assert_eq!(turns(&one_ended), ["a:done", "b:-", "c:no", "d:-", "b:b", "join:done"]);
    let waits = Case::default().run(&branches(&[Do::Wait(Some(60), None)]));
    assert_eq!(turns(&waits), ["a:done", "b:-", "c:no", "d:-", "b:b"]);
    assert!(matches!(waits.ending, Ending::Paused { .. }));
    let resumed = Case::default().due(&branches(&[Do::Wait(Some(60), None)]), &waits, super::later(60));
    assert_eq!(turns(&resumed), ["d:done", "e:done", "join:done"]);
}

#[test]
fn a_join_that_no_way_leads_to_is_not_entered() {
    let graph = graph(vec![
        node("a", "yes=b no=join", &[Do::Leave("other")]),
        plain("b", "done=join"),
        plain("join", "done=c"),
        plain("c", ""),
    ]);
    let run = Case::default().run(&graph);
    assert_eq!((turns(&run), run.ending), (vec!["a:other".to_string()], Ending::Done));
}

#[test]
fn an_error_leaves_by_its_port_or_else_the_way_for_those_who_do_not_look_or_ends_the_branch() {
    let run = |to: &str, otherwise| {
        let graph = graph(
            vec![
                plain("a", "done=b,c"),
                node("b", to, &[Do::Error(otherwise)]),
                plain("c", ""),
                node("d", "", &[]),
            ]
            .into_iter()
            .filter(|target| target.name != "d" || to.contains("=d"))
            .collect(),
        );
        Case::default().run(&graph)
    };
    assert_eq!(turns(&run("error=d", Some("done"))), ["a:done", "b:error", "c:done", "d:done"]);
    assert_eq!(turns(&run("done=d", Some("done"))), ["a:done", "b:done", "c:done", "d:done"]);
    let ended = run("done=d", None);
    assert_eq!(turns(&ended), ["a:done", "b:-", "c:done"]);
    assert_eq!(ended.ending, Ending::Done, "an error is no failure of the run");
}

#[test]
fn what_cannot_be_decided_is_an_error_of_its_node() {
    let graph =
        graph(vec![node("ask", "yes=b no=b", &[Do::If("event.properties.value > 5")]), plain("b", "")]);
    let run = Case::with(json!({"value": "six"})).run(&graph);
    assert_eq!((turns(&run), &run.ending), (vec!["ask:-".to_string()], &Ending::Done));
}

#[test]
fn stop_ends_all_branches_and_what_was_done_stays() {
    let graph = graph(vec![
        plain("a", "done=ask,b,stop,c"),
        node("ask", "a=d b=d", &[Do::Call, Do::LeaveAsTold]),
        node("b", "", &[Do::Emit("made")]),
        node("stop", "", &[Do::Stop]),
        plain("c", ""),
        plain("d", ""),
    ]);
    let run = Case::default().run(&graph);
    assert_eq!(turns(&run), ["a:done", "ask:-", "b:done", "stop:-"], "nobody is asked any more");
    assert_eq!((run.ending, run.emits.len()), (Ending::Done, 1));
}

#[test]
fn several_nodes_may_begin() {
    let nodes = vec![plain("a", ""), plain("b", "done=join"), plain("c", "done=join"), plain("join", "")];
    let start = ["c".to_string(), "b".to_string(), "a".to_string()];
    let graph = crate::Graph::new(nodes, &start).unwrap();
    assert_eq!(turns(&Case::default().run(&graph)), ["a:done", "b:done", "c:done", "join:done"]);
}
