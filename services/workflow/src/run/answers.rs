//! What calls are answered in a dry run: nobody is called.

use super::asked::object;
use super::error::RunError;
use serde_json::{Map, Value};
use tributary_engine::{Answer, Call, CallError, HttpAnswer, NodeAnswer, Wanted};
use tributary_proto::raw::RawStruct;

/// Answers by node.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Answers(Map<String, Value>);

impl Answers {
    /// Those of a request.
    ///
    /// # Errors
    /// One that no node could be given.
    pub(super) fn of(document: Option<RawStruct>) -> Result<Self, RunError> {
        let answers = document.map(|document| object("answers", &document)).transpose()?.unwrap_or_default();
        for (node, answer) in &answers {
            check(answer).map_err(|reason| RunError::Answer { node: node.clone(), reason })?;
        }
        Ok(Self(answers))
    }

    /// What is answered to a call.
    pub(super) fn to(&self, wanted: &Wanted) -> Answer {
        let given = self.0.get(&wanted.node);
        match &wanted.call {
            Call::Http(_) => Answer::Http(given.map(http).ok_or_else(not_called)),
            Call::Node(_) => Answer::Node(given.map(node).ok_or_else(not_called)),
            Call::History(_) => Answer::History(Err(not_called())),
        }
    }
}

fn check(answer: &Value) -> Result<(), &'static str> {
    let Some(answer) = answer.as_object() else {
        return Err("an answer is {status, body} for an http node, {port, output} for a grpc node");
    };
    let known = |name: &String| ["status", "body", "port", "output"].contains(&name.as_str());
    if !answer.keys().all(known) {
        return Err("an answer has status and body for an http node, port and output for a grpc node");
    }
    if answer.get("status").is_some_and(|status| status_of(status).is_none()) {
        return Err("status is a number from 100 to 599");
    }
    if answer.get("port").is_some_and(|port| !port.is_string()) {
        return Err("port is a text");
    }
    if answer.get("output").is_some_and(|output| !output.is_object()) {
        return Err("output is an object");
    }
    Ok(())
}

fn http(answer: &Value) -> HttpAnswer {
    HttpAnswer { status: status_of(&answer["status"]).unwrap_or(200), body: answer["body"].clone() }
}

fn node(answer: &Value) -> NodeAnswer {
    NodeAnswer {
        port: answer["port"].as_str().unwrap_or_default().to_owned(),
        output: answer["output"].as_object().cloned().unwrap_or_default(),
    }
}

fn status_of(status: &Value) -> Option<u16> {
    status
        .as_u64()
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| (100..=599).contains(status))
}

fn not_called() -> CallError {
    CallError {
        reason: "NOT_CALLED".to_owned(),
        message: "a dry run calls nobody; say under `answers` what this node is answered".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;
    use tributary_engine::{HttpCall, NodeCall};

    fn wanted(node: &str, call: Call) -> Wanted {
        Wanted { node: node.to_owned(), key: format!("e/w/{node}"), call }
    }

    fn http_call() -> Call {
        let (method, url, timeout) = ("GET".to_owned(), "http://a".to_owned(), Duration::from_secs(1));
        Call::Http(HttpCall { method, url, body: None, timeout, retries: 0 })
    }

    #[test]
    fn each_node_is_answered_as_it_is_said_and_the_others_are_not() {
        let given = json!({"ask": {"status": 404, "body": {"a": 1}}, "decide": {"port": "gold"}});
        let answers = Answers::of(given.as_object().map(RawStruct::from_object)).unwrap();
        let http = answers.to(&wanted("ask", http_call()));
        assert_eq!(http, Answer::Http(Ok(HttpAnswer { status: 404, body: json!({"a": 1}) })));
        let call = NodeCall {
            url: "http://a".to_owned(),
            input: Map::new(),
            timeout: Duration::from_secs(1),
            retries: 0,
        };
        let node = answers.to(&wanted("decide", Call::Node(call)));
        assert_eq!(node, Answer::Node(Ok(NodeAnswer { port: "gold".to_owned(), output: Map::new() })));
        let Answer::Http(Err(error)) = answers.to(&wanted("other", http_call())) else { panic!() };
        assert_eq!(error.reason, "NOT_CALLED");
    }

    #[test]
    fn what_is_no_answer_is_refused_with_its_node() {
        for wrong in [json!(1), json!({"statsu": 1}), json!({"status": 99}), json!({"output": []})] {
            let given = json!({"ask": wrong});
            let error = Answers::of(given.as_object().map(RawStruct::from_object)).unwrap_err();
            assert!(matches!(error, RunError::Answer { node, .. } if node == "ask"));
        }
    }
}
