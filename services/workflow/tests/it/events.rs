//! What an event's runs do, and what is kept of them.

use serde_json::json;
use tributary_proto::v1;
use tributary_streams::{Awaited, Ending, Progress};

use crate::stage::{Event, Running, event, workflow};

#[tokio::test]
async fn workflows_run_by_name_and_a_run_that_fails_undoes_its_own_and_nothing_else() {
    let shout: Vec<String> = (0..17).map(|number| format!("{{type: t{number}}}")).collect();
    let shout = format!("{{name: shout, step: {{emit: [{}]}}, to: more}}", shout[..16].join(", "));
    let stage = Running::start(&format!(
        "{}{}{}",
        workflow("a", "buy", &["{name: count, increment: {count: 1}}"]),
        workflow(
            "b",
            "buy",
            &[
                "{name: count, increment: {count: 10}, to: shout}",
                &shout,
                "{name: more, emit: {type: one-more}}"
            ]
        ),
        workflow("c", "buy", &["{name: look, set: {last: {expr: profile.count}}}"]),
    ))
    .await;
    stage.append(Event { awaited: Awaited::Runs, ..event("e", "buy", "ann") }).await;
    let outcome = stage.handled("ann", "e").await;
    let states: Vec<_> = outcome.runs.iter().map(|run| (run.workflow.as_str(), run.state())).collect();
    use v1::WorkflowRunState::{Done, Failed};
    assert_eq!(states, [("a", Done), ("b", Failed), ("c", Done)]);
    let shown = stage.shows("ann").await;
    assert_eq!(
        (&shown["count"], &shown["last"]),
        (&json!(1), &json!(1)),
        "c sees what a did, and nothing of b"
    );
    assert!(stage.forwarded("ann").await.is_empty());
}

#[tokio::test]
async fn what_a_run_answers_is_kept_with_the_event_and_its_way_and_what_it_saw_for_who_asked_for_it() {
    let stage = Running::start(&workflow(
        "offer",
        "look",
        &[
            "{name: ask, if: event.properties.price > 5, to: {yes: tell}}",
            "{name: tell, respond: {offer: ten}}",
        ],
    ))
    .await;
    for (id, awaited) in [("plain", Awaited::No), ("runs", Awaited::Runs)] {
        stage.append(Event { awaited, properties: json!({"price": 7}), ..event(id, "look", "ann") }).await;
        let outcome = stage.handled("ann", id).await;
        assert_eq!(outcome.response.unwrap().to_object().unwrap()["offer"], "ten");
        let nodes = &outcome.runs[0].nodes;
        let ways: Vec<_> = nodes.iter().map(|node| (node.node.as_str(), node.port.as_str())).collect();
        assert_eq!(ways, [("ask", "yes"), ("tell", "done")]);
        assert_eq!(outcome.without_values, awaited == Awaited::No);
        let saw = nodes[0].saw.as_ref().map(|saw| saw.to_object().unwrap());
        let seven = saw.is_some_and(|saw| saw.values().any(|value| value == 7));
        assert_eq!(seven, awaited == Awaited::Runs);
    }
}

#[tokio::test]
async fn an_event_that_concerns_nobody_is_committed_without_a_look_at_its_profile() {
    let stage = Running::start(&workflow("w", "buy", &["{name: count, increment: {count: 1}}"])).await;
    stage.append(event("e", "look", "ann")).await;
    let outcome = stage.handled("ann", "e").await;
    assert_eq!(outcome, v1::Outcome::default());
    let Progress::Ended { ending: Ending::Done, outcome, .. } = stage.progress("ann", "e").await else {
        panic!()
    };
    assert!(outcome.is_empty());
}
