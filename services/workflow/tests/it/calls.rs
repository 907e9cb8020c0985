//! What runs ask of the world, and what that costs others.

use std::time::Duration;

use serde_json::json;
use tributary_testkit::{Answer, Receiver, eventually};

use crate::stage::{Running, SOON, event, neighbour, workflow};

fn asking(receiver: &Receiver) -> String {
    let url = receiver.url();
    let ask =
        |name: &str| format!("{{name: {name}, http: {{url: '{url}{name}', method: POST, timeout: 20s}}");
    workflow(
        "asks",
        "buy",
        &[
            &format!("{}, to: second}}", ask("first")),
            &format!("{}, to: count}}", ask("second")),
            "{name: count, increment: {count: 1}, to: note}",
            "{name: note, set: {last: {expr: memory.first.body.answer}}}",
        ],
    )
}

fn paths(receiver: &Receiver) -> Vec<String> {
    receiver.requests().into_iter().map(|request| request.path).collect()
}

async fn asked(receiver: &Receiver, expected: &[&str]) {
    eventually(SOON, async || {
        let paths = paths(receiver);
        if paths == expected { Ok(()) } else { Err(format!("{paths:?}")) }
    })
    .await;
}

#[tokio::test]
async fn a_slow_answer_holds_up_its_own_profile_and_no_other_one_of_the_partition() {
    let receiver = Receiver::start().await.unwrap();
    let documents =
        format!("{}{}", asking(&receiver), workflow("w", "look", &["{name: n, increment: {count: 1}}"]));
    let stage = Running::start(&documents).await;
    receiver.hold();
    stage.append(event("slow", "buy", "ann")).await;
    asked(&receiver, &["/first"]).await;
    stage.append(event("behind", "look", "ann")).await;
    let other = neighbour("ann");
    stage.append(event("beside", "look", &other)).await;
    // The slow one is answered only after this one has come to its end.
    stage.handled(&other, "beside").await;
    assert_eq!(stage.shows("ann").await, json!({}), "the next event of its own profile waits");
    receiver.release();
    stage.handled("ann", "behind").await;
    assert_eq!(stage.shows("ann").await["count"], 2);
}

#[tokio::test]
async fn what_was_answered_before_a_crash_is_not_asked_again() {
    let receiver = Receiver::start().await.unwrap();
    let mut stage = Running::start(&asking(&receiver)).await;
    receiver.always(json!({"answer": "another"}));
    let never = Answer { delay: Duration::from_secs(3600), ..Answer::from(200) };
    receiver.script([Answer::from(json!({"answer": "kept"})), never]);
    stage.append(event("e", "buy", "ann")).await;
    asked(&receiver, &["/first", "/second"]).await;
    stage.kill();
    stage.revive().await;
    stage.handled("ann", "e").await;
    assert_eq!(paths(&receiver), ["/first", "/second", "/second"]);
    let keys: Vec<Option<String>> = receiver
        .requests()
        .iter()
        .map(|request| request.header("idempotency-key").map(str::to_owned))
        .collect();
    assert_eq!(keys[1], keys[2], "whoever is asked twice can tell");
    assert_eq!(stage.shows("ann").await, json!({"count": 1, "last": "kept"}));
}

#[tokio::test]
async fn nobody_there_leads_to_the_error_port_and_the_event_is_handled() {
    let stage = Running::start(&workflow(
        "asks",
        "buy",
        &[
            "{name: ask, http: {url: 'http://127.0.0.1:1/', retries: 0}, to: {done: yes, error: no}}",
            "{name: yes, set: {last: answered}}",
            "{name: no, set: {last: nobody}}",
        ],
    ))
    .await;
    stage.append(event("e", "buy", "ann")).await;
    stage.handled("ann", "e").await;
    assert_eq!(stage.shows("ann").await["last"], "nobody");
}

#[tokio::test]
async fn a_node_that_asks_for_each_item_is_answered_for_each_once() {
    let receiver = Receiver::start().await.unwrap();
    let url = receiver.url();
    let ask = format!(
        "{{name: ask, http: {{url: '{url}{{{{ memory.each.item }}}}', method: POST, timeout: 20s}}, to: count}}"
    );
    let each = format!(
        "{{name: each, for_each: {{items: '[\"a\", \"b\"]', nodes: [{ask}, {{name: count, increment: {{count: 1}}}}]}}}}"
    );
    let mut stage = Running::start(&workflow("asks", "buy", &[&each])).await;
    let never = Answer { delay: Duration::from_secs(3600), ..Answer::from(200) };
    receiver.script([Answer::from(200), never]);
    stage.append(event("e", "buy", "ann")).await;
    asked(&receiver, &["/a", "/b"]).await;
    stage.kill();
    stage.revive().await;
    stage.handled("ann", "e").await;
    assert_eq!(paths(&receiver), ["/a", "/b", "/b"]);
    let keys: Vec<String> = receiver
        .requests()
        .iter()
        .map(|request| request.header("idempotency-key").unwrap_or_default().to_owned())
        .collect();
    assert!(keys[0] != keys[1] && keys[1] == keys[2] && !keys[0].is_empty(), "{keys:?}");
    assert_eq!(stage.shows("ann").await["count"], 2);
}
