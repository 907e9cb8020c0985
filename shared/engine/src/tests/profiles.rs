//! What runs do to the profile, and see of it.

use serde_json::json;
use tributary_expressions::Condition;
use tributary_model::IntentOp;

use super::{BEGIN, Case, Do, changes, graph, later, node, through, triggered, turns};
use crate::{Ending, Finished, Graph, Triggered};

fn increment(by: u32) -> Do {
    Do::Change("interests.jazz", IntentOp::Increment, json!(by))
}

#[test]
fn nodes_and_workflows_see_what_those_before_them_changed() {
    let a = graph(vec![
        node("a", "done=b", &[increment(1)]),
        node("b", "yes=c", &[Do::If("profile.interests.jazz == 1")]),
        node("c", "", &[increment(2)]),
    ]);
    let b = graph(vec![
        node("a", "yes=b", &[Do::If("profile.interests.jazz == 3")]),
        node("b", "", &[Do::Change("seen", IntentOp::Set, json!(true))]),
    ]);
    let case = Case::default();
    let runs = case.runs(&[("a", &a), ("b", &b)]);
    assert_eq!(case.after(&runs), json!({"interests": {"jazz": 3}, "seen": true}));
    let ids: Vec<_> = changes(&runs).map(|change| change.id.as_str()).collect();
    assert_eq!(ids, ["e/2/0/0000", "e/2/0/0001", "e/2/0/0002"]);
    assert!(changes(&runs).all(|change| change.time == BEGIN));
}

#[test]
fn nodes_see_the_session() {
    let pages = graph(vec![node("a", "", &[Do::Change("pages", IntentOp::Set, json!(3))])]);
    let mut case = Case { details: true, ..Case::default() };
    let run = case.run(&pages);
    changes(&[run]).for_each(|change| case.session.apply(change));
    let asks = graph(vec![node("a", "", &[Do::Compute("[session.pages, has(profile.pages)]")])]);
    assert_eq!(case.run(&asks).records[0].output, Some(json!([3, false])));
}

#[test]
fn within_a_turn_a_change_is_seen_at_once() {
    let graph = graph(vec![
        node(
            "a",
            "yes=b",
            &[
                increment(5),
                Do::Change("interests.jazz", IntentOp::Reset, json!(null)),
                increment(2),
                Do::If("profile.interests.jazz == 2"),
            ],
        ),
        node("b", "", &[]),
    ]);
    assert_eq!(turns(&Case::default().run(&graph)), ["a:yes", "b:done"]);
}

#[test]
fn a_change_that_is_refused_is_recorded_and_alone() {
    let graph =
        graph(vec![node("a", "", &[Do::Change("interests.jazz", IntentOp::Set, json!(1)), increment(1)])]);
    let run = Case::default().run(&graph);
    assert_eq!(
        run.records[0].refused,
        ["`set` does not work on `interests.jazz`, which is a counter; use increment, decrement or reset"]
    );
    assert_eq!((run.changes.len(), run.records[0].changes, run.ending), (1, 1, Ending::Done));
}

#[test]
fn a_run_that_fails_undoes_what_it_did_and_the_others_go_on() {
    let fails = graph(vec![
        node("a", "done=b", &[increment(5), Do::Emit("made"), Do::Deliver("d"), Do::Respond("x", json!(1))]),
        node("b", "", &[Do::Fail]),
    ]);
    let fine = graph(vec![node("a", "", &[increment(1), Do::Respond("y", json!(2))])]);
    let case = Case::default();
    let handling =
        case.handling(Vec::new(), vec![triggered("a", &fine), triggered("b", &fails), triggered("c", &fine)]);
    let Finished { runs, response, .. } = through(handling);
    assert_eq!(runs[1].ending, Ending::Failed("b: it gives up".into()));
    assert!(runs[1].changes.is_empty() && runs[1].emits.is_empty() && runs[1].deliveries.is_empty());
    assert!(runs[1].response.is_empty());
    assert_eq!(turns(&runs[1]), ["a:done", "b:-"], "what it came to is told");
    assert_eq!(case.after(&runs), json!({"interests": {"jazz": 2}}));
    let ids: Vec<_> = changes(&runs).map(|change| change.id.as_str()).collect();
    assert_eq!(ids, ["e/2/0/0000", "e/2/0/0001"]);
    assert_eq!(json!(response), json!({"y": 2}));
}

#[test]
fn later_answers_go_over_earlier_ones() {
    let says = |name, value| graph(vec![node("a", "", &[Do::Respond(name, json!(value))])]);
    let (a, b, c) = (says("x", 1), says("y", 2), says("x", 3));
    let case = Case::default();
    let workflows = vec![triggered("a", &a), triggered("b", &b), triggered("c", &c)];
    let finished = through(case.handling(Vec::new(), workflows));
    assert_eq!(json!(finished.response), json!({"x": 3, "y": 2}));
    assert_eq!(json!(finished.runs[0].response), json!({"x": 1}));
}

fn asked(case: &Case, condition: &str, graph: &Graph) -> Option<Ending> {
    let condition = Condition::compile(condition).unwrap();
    let triggered = Triggered { condition: Some(&condition), ..triggered("w", graph) };
    through(case.handling(Vec::new(), vec![triggered])).runs.pop().map(|run| run.ending)
}

#[test]
fn a_trigger_that_does_not_hold_leaves_no_run_and_one_that_cannot_be_decided_a_failed_one() {
    let graph = graph(vec![node("a", "", &[])]);
    let case = |value| Case::with(json!({"value": value}));
    let condition = "event.properties.value > 5";
    assert_eq!(asked(&case(json!(6)), condition, &graph), Some(Ending::Done));
    assert_eq!(asked(&case(json!(5)), condition, &graph), None);
    assert_eq!(asked(&Case::default(), condition, &graph), None, "a path is missing");
    assert_eq!(
        asked(&case(json!("six")), condition, &graph),
        Some(Ending::Failed("the trigger's condition: > does not work on string, number".into()))
    );
}

#[test]
fn consents_are_asked_of_the_profile_as_it_has_become() {
    let grant = |value| graph(vec![node("a", "", &[Do::Change("consents.mail", IntentOp::Grant, value)])]);
    let mail = ["mail".to_string()];
    let both = ["mail".to_string(), "phone".to_string()];
    let send = graph(vec![node("a", "", &[])]);
    let runs = |first: &Graph, consents: &[String]| {
        let case = Case::default();
        let second = Triggered { consents, ..triggered("send", &send) };
        through(case.handling(Vec::new(), vec![triggered("grant", first), second])).runs.len() - 1
    };
    assert_eq!(runs(&grant(json!(null)), &mail), 1);
    assert_eq!(runs(&grant(json!(null)), &both), 0);
    assert_eq!(runs(&grant(json!({"expires": later(1).to_string()})), &mail), 1);
    assert_eq!(runs(&grant(json!({"expires": BEGIN.to_string()})), &mail), 0, "it has expired");
    assert_eq!(runs(&send, &mail), 0);
}

#[test]
fn with_details_it_is_told_which_workflows_did_not_run_and_why() {
    let graph = graph(vec![node("a", "", &[])]);
    let mail = ["mail".to_string()];
    let (small, missing) = (Condition::compile("event.properties.value > 5"), "profile.purchases.count > 2");
    let (small, missing) = (small.unwrap(), Condition::compile(missing).unwrap());
    let told = |details| {
        let case = Case { details, ..Case::with(json!({"value": 5})) };
        let workflows = vec![
            triggered("a", &graph),
            Triggered { consents: &mail, ..triggered("b", &graph) },
            Triggered { condition: Some(&small), ..triggered("c", &graph) },
            Triggered { condition: Some(&missing), ..triggered("d", &graph) },
        ];
        let finished = through(case.handling(Vec::new(), workflows));
        assert_eq!(finished.runs.len(), 1);
        let told = finished.not_triggered.into_iter().map(|passed| (passed.workflow, passed.why));
        told.collect::<Vec<_>>()
    };
    let expected = [
        ("b", "the consent mail is not given"),
        ("c", "its condition does not hold"),
        ("d", "profile.purchases.count is missing"),
    ];
    assert_eq!(told(true), expected.map(|(workflow, why)| (workflow.to_owned(), why.to_owned())));
    assert_eq!(told(false), []);
}

#[test]
fn what_is_made_has_ids_that_follow_from_where_it_was_made() {
    let graph = graph(vec![
        node("a", "done=b", &[Do::Emit("x"), Do::Emit("x"), Do::Deliver("d"), Do::Deliver("d")]),
        node("b", "", &[Do::Emit("x")]),
    ]);
    let run = |id| Case { id, ..Case::default() }.run(&graph);
    let (one, again, other) = (run("e1"), run("e1"), run("e2"));
    assert_eq!(one, again);
    let mut ids: Vec<_> = one.emits.iter().chain(&other.emits).map(|emit| emit.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6);
    let keys: Vec<_> = one.deliveries.iter().map(|delivery| delivery.key.as_str()).collect();
    assert_eq!(keys, ["e1/w/a", "e1/w/a#2"]);
}
