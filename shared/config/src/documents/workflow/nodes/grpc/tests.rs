use serde_json::{Map, json};
use tributary_engine::{CallError, NodeAnswer};

use super::super::trial::{Trial, nested, port, record, refused, remembered, said_of};
use super::*;

const SCORE: &str = "
- name: score
  grpc: {url: 'http://scoring:7710/', input: {id: {expr: event.properties.id}, kind: lead}, ports: [hot, cold], timeout: 1s, retries: 1}
  to: {done: end, hot: end, error: broken}
- {name: end, respond: {at: end}}
- {name: broken, respond: {at: broken}}
";

fn answer(port: &str) -> Answer {
    let output = json!({"score": 9}).as_object().cloned().unwrap();
    Answer::Node(Ok(NodeAnswer { port: port.into(), output }))
}

#[test]
fn the_service_is_given_the_input() {
    let mut trial = Trial::of(SCORE).with(json!({"id": 3}));
    trial.event();
    let Call::Node(call) = trial.call() else { panic!("{:?}", trial.asked) };
    let input = json!({"id": 3, "kind": "lead"}).as_object().cloned().unwrap();
    let (url, timeout) = ("http://scoring:7710".to_string(), Duration::from_secs(1));
    assert_eq!(call, &NodeCall { url, input, timeout, retries: 1 });
}

#[test]
fn the_service_says_the_port_and_its_output_is_remembered() {
    for (said, left) in [("", "done"), ("done", "done"), ("hot", "hot"), ("cold", "cold")] {
        let ran = Trial::of(SCORE).with(json!({"id": 3})).answering("score", answer(said)).event();
        assert_eq!((port(&ran, "score"), remembered(&ran, "score")), (left, json!({"score": 9})));
    }
}

#[test]
fn an_output_that_cannot_be_remembered_and_an_input_that_nobody_could_read_are_errors() {
    for (output, why) in [(json!("x".repeat(65_536)), "TOO_LARGE: "), (nested(32), "TOO_DEEP: ")] {
        let output = json!({"score": output}).as_object().cloned().unwrap();
        let answer = Answer::Node(Ok(NodeAnswer { port: "hot".into(), output }));
        let ran = Trial::of(SCORE).with(json!({"id": 3})).answering("score", answer).event();
        assert_eq!((port(&ran, "score"), &ran.response["at"]), ("error", &json!("broken")));
        assert!(record(&ran, "score").why.as_deref().unwrap().starts_with(why));
    }
    let asks = SCORE.replace("{expr: event.properties.id}", "{expr: '[event.properties.id]'}");
    for (levels, left, asked) in [(30, "done", 1), (31, "error", 0)] {
        let mut trial = Trial::of(&asks).with(json!({"id": nested(levels)})).answering("score", answer(""));
        let ran = trial.event();
        assert_eq!((port(&ran, "score"), trial.asked.len()), (left, asked));
    }
}

#[test]
fn a_port_that_is_not_named_and_no_answer_are_errors() {
    let failure =
        CallError { reason: "UNREACHABLE".into(), message: "scoring:7710 refuses connections".into() };
    for (answer, why) in [
        (answer("warm"), "UNKNOWN_PORT: "),
        (answer("error"), "UNKNOWN_PORT: "),
        (Answer::Node(Err(failure)), "UNREACHABLE: scoring:7710 refuses connections"),
    ] {
        let ran = Trial::of(SCORE).answering("score", answer).event();
        assert_eq!((port(&ran, "score"), &ran.response["at"]), ("error", &json!("broken")));
        assert!(record(&ran, "score").why.as_deref().unwrap().starts_with(why));
    }
}

#[test]
fn an_input_that_cannot_be_had_is_left_out() {
    let mut trial = Trial::of(SCORE).answering("score", answer(""));
    let ran = trial.event();
    let Call::Node(call) = trial.call() else { panic!("{:?}", trial.asked) };
    assert_eq!(call.input, Map::from_iter([("kind".to_string(), json!("lead"))]));
    assert_eq!(refused(&ran, "score"), ["id of the input: event.properties.id is missing"]);
}

#[test]
fn what_is_wrong_is_told() {
    for (spec, why) in [
        ("{url: 'http://scoring:7710/v1'}", "url: a service has no path"),
        ("{url: scoring}", "url: not a url"),
        ("{url: 'http://scoring', ports: [done]}", "ports: done is there without being named"),
        ("{url: 'http://scoring', ports: [a, a]}", "ports: a is named twice"),
        ("{url: 'http://scoring', ports: [A]}", "ports: \"A\" must be lowercase"),
        ("{url: 'http://scoring', timeout: 1m}", "timeout: 1m must be between 100ms and 30s"),
        ("{url: 'http://scoring', retries: 9}", "retries must be between 0 and 5"),
    ] {
        let said = said_of(&format!("- {{name: ask, grpc: {spec}}}"));
        assert!(said.contains(why), "{spec}: {said}");
    }
    let ports: Vec<String> = (0..17).map(|n| format!("p{n}")).collect();
    let said =
        said_of(&format!("- {{name: ask, grpc: {{url: 'http://scoring', ports: [{}]}}}}", ports.join(", ")));
    assert!(said.contains("ports: at most 16 can be named"), "{said}");
}
