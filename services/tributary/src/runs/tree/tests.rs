use serde_json::json;
use tributary_proto::raw::{RawStruct, RawValue};

use super::*;
use crate::out::Color;

fn node(name: &str, kind: &str, port: &str, from: (&str, &str)) -> v1::NodeRun {
    v1::NodeRun {
        node: name.into(),
        kind: kind.into(),
        port: port.into(),
        from_node: from.0.into(),
        from_port: from.1.into(),
        ..v1::NodeRun::default()
    }
}

fn run(nodes: Vec<v1::NodeRun>) -> v1::WorkflowRun {
    v1::WorkflowRun {
        workflow: "abandoned-basket".into(),
        event_type: "basket-changed".into(),
        nodes,
        state: WorkflowRunState::Done.into(),
        ..v1::WorkflowRun::default()
    }
}

fn drawn(run: &v1::WorkflowRun) -> String {
    text(run, Style::new(Color::Never, false)).unwrap()
}

#[test]
fn what_follows_stands_below_and_where_several_follow_each_is_a_branch() {
    let mut still_there = node("still-there", "if", "yes", ("wait-for-order", "timeout"));
    still_there.saw = Some(RawStruct::from_object(json!({"profile.items": [1]}).as_object().unwrap()));
    let mut ask = node("ask", "http", "error", ("still-there", "yes"));
    ask.why = "no answer".into();
    ask.took = Some(prost_types::Duration { seconds: 0, nanos: 12_000_000 });
    let mut remind = node("remind", "emit", "done", ("still-there", "yes"));
    remind.missing = vec!["event.properties.x".into()];
    remind.output = Some(RawValue::from_json(&json!("x")));
    let mut count = node("count", "increment", "done", ("remind", "done"));
    count.changes = 1;
    let mut run = run(vec![
        node("wait-for-order", "wait_for", "timeout", ("", "")),
        still_there,
        ask,
        remind,
        count,
        node("end", "stop", "", ("ask", "error")),
    ]);
    run.resumed = true;
    run.changes = vec![v1::Change {
        path: "reminders".into(),
        operation: v1::Operation::Increment.into(),
        value: Some(RawValue::from_json(&json!(1))),
        ..v1::Change::default()
    }];
    run.emits = vec!["basket-abandoned".into()];
    run.deliveries = vec!["crm".into()];
    run.response = Some(RawStruct::from_object(json!({"a": 1}).as_object().unwrap()));
    assert_eq!(
        drawn(&run),
        "workflow abandoned-basket for basket-changed, which went on after a pause
  ● wait-for-order  wait_for → timeout
  ● still-there  if → yes
  │   profile.items is [1]
  ├─● ask  http → error  no answer
  │ │   took 12.0 ms
  │ ● end  stop stops the run
  └─● remind  emit → done
    │   event.properties.x is missing
    │   remembers \"x\"
    ● count  increment → done
        1 change
  reminders increment 1
  emits basket-abandoned
  sends to crm
  answers {\"a\":1}"
    );
}

#[test]
fn items_of_a_for_each_are_branches_below_it() {
    let body = |name: &str, item: u32, from| {
        let mut node = node(name, "emit", "done", from);
        node.item = item;
        node
    };
    let run = run(vec![
        node("each", "for_each", "done", ("", "")),
        body("tell", 1, ("each", "item")),
        body("count", 1, ("tell", "done")),
        body("tell", 2, ("each", "item")),
        body("count", 2, ("tell", "done")),
    ]);
    let drawn = drawn(&run);
    let expected = "  ● each  for_each → done
  ├─● tell [1]  emit → done
  │ ● count [1]  emit → done
  └─● tell [2]  emit → done
    ● count [2]  emit → done";
    assert!(drawn.ends_with(expected), "{drawn}");
}

#[test]
fn a_run_that_waits_says_for_what_and_one_that_failed_why() {
    let mut waiting = run(vec![node("wait", "wait_for", "", ("", "")), node("if", "if", "", ("", ""))]);
    waiting.state = WorkflowRunState::Paused.into();
    waiting.waits_for = vec!["order-placed".into()];
    waiting.until = Some(prost_types::Timestamp { seconds: 60, nanos: 0 });
    let waiting = drawn(&waiting);
    assert!(waiting.contains("├─● wait  wait_for waits\n  └─● if  if ends here"), "{waiting}");
    assert!(waiting.ends_with("\n  waits for order-placed, until 1970-01-01T00:01:00Z"), "{waiting}");
    let mut failed = run(Vec::new());
    failed.failure = "more than 64 changes".into();
    let failed = drawn(&failed);
    assert!(failed.ends_with("\n  fails, and does nothing: more than 64 changes"), "{failed}");
}

#[test]
fn a_node_that_asked_is_told_once_with_its_answer() {
    let mut answered = node("ask", "http", "done", ("", ""));
    answered.output = Some(RawValue::from_json(&json!({"status": 200})));
    let run = run(vec![
        node("ask", "http", "", ("", "")),
        node("count", "count", "", ("", "")),
        answered,
        node("next", "emit", "done", ("ask", "done")),
        node("count", "count", "done", ("", "")),
    ]);
    let drawn = drawn(&run);
    let expected = "  ├─● ask  http → done
  │ │   remembers {\"status\":200}
  │ ● next  emit → done
  └─● count  count → done";
    assert!(drawn.ends_with(expected), "{drawn}");
}
