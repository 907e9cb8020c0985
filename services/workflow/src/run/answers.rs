//! What calls are answered in a dry run: nobody is called.

use super::asked::object;
use super::error::RunError;
use serde_json::{Map, Value};
use tributary_config::Tenant;
use tributary_engine::{Answer, Call, CallError, HttpAnswer, NodeAnswer, Placed, Wanted};
use tributary_expressions::did_you_mean;
use tributary_proto::raw::RawStruct;

/// What an answer looks like.
const FORMS: &str =
    "an answer is {status, body} for an http node, {port, output} for a grpc node, or {error} for either";

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
            let wrong = |reason: &str| RunError::Answer { node: node.clone(), reason: reason.to_owned() };
            check(answer).map_err(wrong)?;
        }
        Ok(Self(answers))
    }

    /// Whether each is for a node of the tenant's workflows that calls.
    ///
    /// # Errors
    /// One that no call would be given.
    pub(super) fn check(&self, tenant: &Tenant) -> Result<(), RunError> {
        let nodes = || tenant.workflows.iter().flat_map(|workflow| workflow.graph.nodes());
        let calls = |node: &&Placed| matches!(node.node.kind(), "http" | "grpc");
        for name in self.0.keys() {
            let mut same = nodes().filter(|node| node.name == *name);
            if same.clone().any(|node| calls(&node)) {
                continue;
            }
            let reason = match same.next() {
                Some(node) => format!("it is a node of kind {}, which calls nobody", node.node.kind()),
                None => {
                    let known = nodes().filter(calls).map(|node| node.name.as_str());
                    format!("no workflow has a node of this name{}", did_you_mean(name, known))
                }
            };
            return Err(RunError::Answer { node: name.clone(), reason });
        }
        Ok(())
    }

    /// What is answered to a call.
    pub(super) fn to(&self, wanted: &Wanted) -> Answer {
        let given = self.0.get(&wanted.node);
        match &wanted.call {
            Call::Http(_) => Answer::Http(given.map_or_else(|| Err(not_called()), http)),
            Call::Node(_) => Answer::Node(given.map_or_else(|| Err(not_called()), node)),
            Call::History(_) => Answer::History(Err(not_called())),
        }
    }
}

fn check(answer: &Value) -> Result<(), &'static str> {
    let Some(answer) = answer.as_object() else {
        return Err(FORMS);
    };
    let known = |name: &String| ["status", "body", "port", "output", "error"].contains(&name.as_str());
    if !answer.keys().all(known) || answer.contains_key("error") && answer.len() > 1 {
        return Err(FORMS);
    }
    if answer.get("error").is_some_and(|reason| !reason.as_str().is_some_and(is_reason)) {
        return Err("error is a reason in capitals, such as TIMED_OUT");
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

fn is_reason(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

fn http(answer: &Value) -> Result<HttpAnswer, CallError> {
    failed(answer)?;
    Ok(HttpAnswer { status: status_of(&answer["status"]).unwrap_or(200), body: answer["body"].clone() })
}

fn node(answer: &Value) -> Result<NodeAnswer, CallError> {
    failed(answer)?;
    Ok(NodeAnswer {
        port: answer["port"].as_str().unwrap_or_default().to_owned(),
        output: answer["output"].as_object().cloned().unwrap_or_default(),
    })
}

/// The call is to have no answer, for this reason.
fn failed(answer: &Value) -> Result<(), CallError> {
    let Some(reason) = answer["error"].as_str() else { return Ok(()) };
    Err(CallError { reason: reason.to_owned(), message: "as `answers` says".to_owned() })
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
    use tributary_model::TenantId;

    fn wanted(node: &str, call: Call) -> Wanted {
        Wanted { node: node.to_owned(), key: format!("e/w/{node}"), call }
    }

    fn http_call() -> Call {
        let (method, url, timeout) = ("GET".to_owned(), "http://a".to_owned(), Duration::from_secs(1));
        Call::Http(HttpCall { method, url, body: None, timeout, retries: 0 })
    }

    #[test]
    fn each_node_is_answered_as_it_is_said_and_the_others_are_not() {
        let given = json!({
            "ask": {"status": 404, "body": {"a": 1}},
            "decide": {"port": "gold"},
            "late": {"error": "TIMED_OUT"},
        });
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
        let Answer::Http(Err(error)) = answers.to(&wanted("late", http_call())) else { panic!() };
        assert_eq!(error.reason, "TIMED_OUT");
    }

    #[test]
    fn a_name_that_is_no_node_that_calls_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let documents = "{kind: Source, name: web, spec: {write_keys: [{env: KEY}]}}\n---\n\
            {kind: Workflow, name: w, spec: {trigger: {events: [buy]}, nodes: [\
            {name: ask, http: {url: 'http://a'}, to: end}, {name: end, stop: {}}]}}";
        std::fs::write(folder.path().join("all.yaml"), documents).unwrap();
        let config = tributary_config::Config::load(folder.path()).unwrap_or_else(|wrong| panic!("{wrong}"));
        let tenant = config.tenant(&TenantId::new("default").unwrap()).unwrap();
        let checked = |node: &str| {
            let given = json!({node: {"error": "TIMED_OUT"}});
            let answers = Answers::of(given.as_object().map(RawStruct::from_object)).unwrap();
            answers.check(tenant).map_err(|error| error.to_string())
        };
        assert_eq!(checked("ask"), Ok(()));
        assert_eq!(
            checked("aks").unwrap_err(),
            "`answers.aks`: no workflow has a node of this name; did you mean ask?"
        );
        assert_eq!(
            checked("end").unwrap_err(),
            "`answers.end`: it is a node of kind stop, which calls nobody"
        );
    }

    #[test]
    fn what_is_no_answer_is_refused_with_its_node() {
        for wrong in [
            json!(1),
            json!({"statsu": 1}),
            json!({"status": 99}),
            json!({"output": []}),
            json!({"error": 1}),
            json!({"error": "late"}),
            json!({"error": "TIMED_OUT", "status": 200}),
        ] {
            let given = json!({"ask": wrong});
            let error = Answers::of(given.as_object().map(RawStruct::from_object)).unwrap_err();
            assert!(matches!(error, RunError::Answer { node, .. } if node == "ask"));
        }
    }
}
