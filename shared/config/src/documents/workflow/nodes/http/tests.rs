use serde_json::json;
use tributary_engine::{CallError, HttpAnswer, MAX_MEMORY_BYTES};

use super::super::trial::{
    Trial, nested, port, record, refused, remembered, said as answered, said_of, workflow,
};
use super::*;
use crate::secrets::SecretRef;
use crate::tests::{SOURCE, load};

fn trial(spec: &str) -> Trial {
    Trial::of(&format!(
        "
- name: ask
  http: {spec}
  to: {{done: good, refused: bad, error: broken}}
- {{name: good, respond: {{at: good}}}}
- {{name: bad, respond: {{at: bad}}}}
- {{name: broken, respond: {{at: broken}}}}
"
    ))
}

fn answer(status: u16) -> Answer {
    Answer::Http(Ok(HttpAnswer { status, body: json!({"score": 7}) }))
}

fn asked(trial: &Trial) -> &HttpCall {
    match trial.call() {
        Call::Http(call) => call,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_is_made_of_url_and_body() {
    let spec = "
    url: 'https://api.example.com/customers/{{ event.properties.id }}?q={{ event.properties.q }}'
    method: PUT
    body: {name: {expr: event.properties.name}, text: {template: 'Dear {{ event.properties.name }}'}, kind: {a: 1}}
    timeout: 500ms
    retries: 0";
    let mut trial =
        trial(spec).with(json!({"id": "a/../b", "q": "x&y", "name": "Ada"})).answering("ask", answer(200));
    trial.event();
    assert_eq!(
        asked(&trial),
        &HttpCall {
            method: "PUT".into(),
            url: "https://api.example.com/customers/a%2F..%2Fb?q=x%26y".into(),
            body: Some(json!({"name": "Ada", "text": "Dear Ada", "kind": {"a": 1}})),
            timeout: Duration::from_millis(500),
            retries: 0,
        }
    );
}

#[test]
fn what_is_not_said_is_the_usual() {
    let mut plain = trial("{url: 'https://api.example.com'}");
    plain.event();
    let usual = |method: &str, body| HttpCall {
        method: method.into(),
        url: "https://api.example.com".into(),
        body,
        timeout: Duration::from_secs(5),
        retries: 2,
    };
    assert_eq!(asked(&plain), &usual("GET", None));
    let mut whole = trial("{url: 'https://api.example.com', body: {expr: '[event.type]'}}");
    whole.event();
    assert_eq!(asked(&whole), &usual("POST", Some(json!(["seen"]))));
    let mut field = trial("{url: 'https://api.example.com', body: {expr: a, template: welcome}}");
    field.event();
    assert_eq!(asked(&field), &usual("POST", Some(json!({"expr": "a", "template": "welcome"}))));
}

#[test]
fn the_status_says_the_port_and_the_answer_is_remembered() {
    for (status, left) in
        [(200, "done"), (204, "done"), (302, "done"), (399, "done"), (400, "refused"), (503, "refused")]
    {
        let ran = trial("{url: 'https://api.example.com'}").answering("ask", answer(status)).event();
        assert_eq!(port(&ran, "ask"), left);
        assert_eq!(remembered(&ran, "ask"), json!({"status": status, "body": {"score": 7}}));
    }
}

#[test]
fn no_answer_is_an_error_with_its_reason() {
    let failure =
        CallError { reason: "TIMED_OUT".into(), message: "api.example.com did not answer in time".into() };
    let ran = trial("{url: 'https://api.example.com'}").answering("ask", Answer::Http(Err(failure))).event();
    assert_eq!((port(&ran, "ask"), &ran.response["at"]), ("error", &json!("broken")));
    assert_eq!(record(&ran, "ask").why.as_deref(), Some("TIMED_OUT: api.example.com did not answer in time"));
    assert_eq!(remembered(&ran, "ask"), json!(null));
}

#[test]
fn an_answer_that_cannot_be_remembered_is_an_error_and_does_not_fail_the_run() {
    for (body, why) in [(json!("x".repeat(MAX_MEMORY_BYTES)), "TOO_LARGE: "), (nested(32), "TOO_DEEP: ")] {
        let ran = trial("{url: 'https://api.example.com'}").answering("ask", answered(body)).event();
        assert_eq!((port(&ran, "ask"), &ran.response["at"]), ("error", &json!("broken")));
        assert!(record(&ran, "ask").why.as_deref().unwrap().starts_with(why));
    }
    let ran = trial("{url: 'https://api.example.com'}").answering("ask", answered(nested(31))).event();
    assert_eq!(port(&ran, "ask"), "done");
}

#[test]
fn a_body_that_nobody_could_read_is_not_sent() {
    let nested = "[[[[[[[[[[[[[[[[[[[[event.properties.a]]]]]]]]]]]]]]]]]]]]";
    let mut trial = trial(&format!("{{url: 'https://api.example.com', body: {{a: {{expr: '{nested}'}}}}}}"));
    for (levels, port_of_it, asked) in [(11, "done", 1), (12, "error", 1)] {
        trial.answers.insert("ask", answered(json!(null)));
        trial.set(json!({"a": super::super::trial::nested(levels)}));
        assert_eq!(port(&trial.event(), "ask"), port_of_it);
        assert_eq!(trial.asked.len(), asked);
    }
}

#[test]
fn a_filled_in_address_leads_to_the_host_that_is_written() {
    for spec in [
        "{url: 'https:///api.example.com{{ event.properties.x }}'}",
        "{url: 'https://api.example.com{{ event.properties.x }}/'}",
    ] {
        let said = said_of(&format!("- {{name: ask, http: {spec}}}"));
        assert!(said.contains("holes come behind them"), "{said}");
    }
    let mut trial = trial("{url: 'https://api.example.com/{{ event.properties.x }}'}")
        .with(json!({"x": ".evil.example/@evil.example"}))
        .answering("ask", answered(json!(null)));
    assert_eq!(port(&trial.event(), "ask"), "done");
    assert_eq!(asked(&trial).url, "https://api.example.com/.evil.example%2F%40evil.example");
}

#[test]
fn a_field_that_cannot_be_had_is_left_out_and_an_address_is_not() {
    let mut trial_of_body =
        trial("{url: 'https://api.example.com', body: {a: {expr: event.properties.a}, b: 1}}");
    let ran = trial_of_body.event();
    assert_eq!(asked(&trial_of_body).body, Some(json!({"b": 1})));
    assert_eq!(refused(&ran, "ask"), ["a of the body: event.properties.a is missing"]);

    for (spec, why) in [
        ("{url: 'https://api.example.com/{{ event.properties.a }}'}", "url: event.properties.a is missing"),
        (
            "{url: 'https://api.example.com', body: {expr: event.properties.a}}",
            "body: expr: event.properties.a is missing",
        ),
    ] {
        let mut trial = trial(spec);
        let ran = trial.event();
        assert_eq!((port(&ran, "ask"), trial.asked.len()), ("error", 0));
        assert_eq!(record(&ran, "ask").why.as_deref(), Some(why));
    }
    let mut up =
        trial("{url: 'https://api.example.com/a/{{ event.properties.a }}/b'}").with(json!({"a": ".."}));
    let ran = up.event();
    assert!(
        record(&ran, "ask").why.as_deref().unwrap().starts_with("INVALID_URL: "),
        "{:?}",
        record(&ran, "ask")
    );
    assert!(up.asked.is_empty());
}

#[test]
fn headers_are_the_workflows_by_node_and_their_secrets_are_known() {
    let nodes = "
- {name: ask, http: {url: 'https://a.example.com', headers: {X-Key: {env: A_KEY}, X-From: {value: us}}}, to: other}
- {name: other, http: {url: 'https://b.example.com'}}
";
    let config = load(&[("source.yaml", SOURCE), ("w.yaml", &workflow(nodes))]).unwrap();
    let workflow = &config.tenants.values().next().unwrap().workflows[0];
    let secret = HeaderValue::Secret(SecretRef::Env("A_KEY".into()));
    let headers = vec![("X-From".to_string(), HeaderValue::Text("us".into())), ("X-Key".to_string(), secret)];
    assert_eq!(workflow.headers, BTreeMap::from([("ask".to_string(), headers)]));
    assert_eq!(config.header_env(), ["A_KEY"]);
}

#[test]
fn what_is_wrong_is_told() {
    for (spec, why) in [
        ("{url: 'ftp://example.com'}", "url: the scheme is ftp"),
        ("{url: 'https://{{ event.properties.host }}/'}", "url: scheme and host are written out"),
        (
            "{url: 'https://example.com', method: get}",
            "method: there are GET, POST, PUT, PATCH, DELETE, in capitals",
        ),
        ("{url: 'https://example.com', method: GET, body: {a: 1}}", "method: a GET request has no body"),
        ("{url: 'https://example.com', timeout: 31s}", "timeout: 31s must be between 100ms and 30s"),
        ("{url: 'https://example.com', timeout: 99ms}", "timeout: 99ms must be between"),
        ("{url: 'https://example.com', retries: 6}", "retries must be between 0 and 5"),
        ("{url: 'https://example.com', body: {expr: 1}}", "body: expr must be a text"),
        ("{url: 'https://example.com', headers: {Host: {value: a}}}", "has this header already"),
        (
            "{url: 'https://example.com', headers: {Authorization: {value: sk_1}}}",
            "a secret is never written in a document",
        ),
    ] {
        let said = said_of(&format!("- {{name: ask, http: {spec}}}"));
        assert!(said.contains(why) && !said.contains("sk_1"), "{spec}: {said}");
    }
}
