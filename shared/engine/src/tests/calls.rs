//! Calls and their answers.

use std::collections::BTreeMap;

use super::{BEGIN, Case, Do, answers, graph, later, node, triggered, turns};
use crate::{Ending, Graph, Proceeding, Wanted};

fn two_calls() -> Graph {
    graph(vec![
        node("a", "done=b,c", &[]),
        node("b", "a=d b=d error=e", &[Do::Call, Do::LeaveAsTold]),
        node("c", "a=d b=d error=e", &[Do::Call, Do::LeaveAsTold]),
        node("d", "", &[]),
        node("e", "", &[Do::Compute("now")]),
    ])
}

fn keys(wanted: &[Wanted]) -> Vec<&str> {
    wanted.iter().map(|wanted| wanted.key.as_str()).collect()
}

#[test]
fn calls_of_all_branches_are_made_together_and_asked_for_again_until_they_are_answered() {
    let (case, graph) = (Case::default(), two_calls());
    let mut handling = case.handling(Vec::new(), vec![triggered("w", &graph)]);
    let Proceeding::Calls { run, wanted } = handling.proceed() else { panic!("it calls") };
    assert_eq!(keys(&wanted), ["e/w/b", "e/w/c"]);
    assert_eq!(handling.proceed(), Proceeding::Calls { run, wanted: wanted.clone() });
    handling.answer(answers(&wanted), BEGIN);
    let Proceeding::Finished(finished) = handling.proceed() else { panic!("it is through") };
    assert_eq!(turns(&finished.runs[0]), ["a:done", "b:-", "c:-", "b:b", "c:b", "d:done"]);
    assert_eq!(handling.proceed(), Proceeding::Finished(Default::default()), "once");
}

#[test]
fn a_call_without_an_answer_failed_and_time_has_gone_on() {
    let (case, graph) = (Case { details: true, ..Case::default() }, two_calls());
    let mut handling = case.handling(Vec::new(), vec![triggered("w", &graph)]);
    let Proceeding::Calls { wanted, .. } = handling.proceed() else { panic!("it calls") };
    handling.answer(answers(&wanted[..1]), later(5));
    let Proceeding::Finished(finished) = handling.proceed() else { panic!("it is through") };
    assert_eq!(turns(&finished.runs[0]), ["a:done", "b:-", "c:-", "b:b", "c:error", "d:done", "e:done"]);
    assert_eq!(finished.runs[0].records[4].why.as_deref(), Some("there was no answer"));
    assert_eq!(finished.runs[0].records[6].output, Some(later(5).to_string().into()));
}

#[test]
fn every_call_of_a_run_has_a_key_of_its_own() {
    let graph = graph(vec![
        node("each", "", &[Do::Each(serde_json::json!([1, 2]))]),
        node("each/x", "", &[Do::Call, Do::Call]),
    ]);
    let case = Case::default();
    let mut handling = case.handling(Vec::new(), vec![triggered("w", &graph)]);
    let mut keys = Vec::new();
    for _ in 0..4 {
        let Proceeding::Calls { wanted, .. } = handling.proceed() else { panic!("it calls") };
        keys.extend(wanted.iter().map(|wanted| wanted.key.clone()));
        handling.answer(BTreeMap::new(), BEGIN);
        if keys.len() == 4 {
            break;
        }
    }
    // `x` asks anew whenever it is answered; the second time is the last that is looked at here.
    assert_eq!(keys[..2], ["e/w/x/1", "e/w/x/1#2"]);
}

#[test]
fn an_item_counts_its_calls_anew() {
    let graph = graph(vec![
        node("each", "", &[Do::Each(serde_json::json!([1, 2]))]),
        node("each/x", "", &[Do::Call, Do::LeaveAsTold]),
    ]);
    let case = Case::default();
    let mut handling = case.handling(Vec::new(), vec![triggered("w", &graph)]);
    let mut keys = Vec::new();
    for _ in 0..2 {
        let Proceeding::Calls { wanted, .. } = handling.proceed() else { panic!("it calls") };
        keys.extend(wanted.iter().map(|wanted| wanted.key.clone()));
        handling.answer(answers(&wanted), BEGIN);
    }
    assert_eq!(keys, ["e/w/x/1", "e/w/x/2"]);
}

#[test]
fn now_never_goes_back() {
    let case = Case { now: later(60), details: true, ..Case::default() };
    let graph = graph(vec![
        node("ask", "error=now", &[Do::Call, Do::LeaveAsTold]),
        node("now", "", &[Do::Compute("now")]),
    ]);
    let mut handling = case.handling(Vec::new(), vec![triggered("w", &graph)]);
    let Proceeding::Calls { .. } = handling.proceed() else { panic!("it calls") };
    handling.answer(BTreeMap::new(), later(59));
    let Proceeding::Finished(finished) = handling.proceed() else { panic!("it is through") };
    assert_eq!(finished.runs[0].records.last().unwrap().output, Some(later(60).to_string().into()));
}

#[test]
fn a_handling_can_be_held_while_calls_are_answered() {
    fn held<T: Send>() {}
    held::<crate::Handling<'_>>();
}

#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    let graph = graph(vec![node("a", "", &[])]);
    let case = Case::default();
    let mut handling = case.handling(Vec::new(), vec![triggered("w", &graph)]);
    handling.answer(answers(&[]), later(9));
    let Proceeding::Finished(finished) = handling.proceed() else { panic!("it is through") };
    assert_eq!(finished.runs[0].ending, Ending::Done);
}
