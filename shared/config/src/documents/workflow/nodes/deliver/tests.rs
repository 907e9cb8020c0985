use serde_json::json;

use super::super::trial::{Trial, nested, port, refused, said_of};

const CRM: &str = "kind: Destination\nname: crm\nspec: {webhook: {url: 'https://crm.example.com'}}\n";

#[test]
fn a_body_is_sent_with_what_can_be_had() {
    let nodes =
        "- {name: tell, deliver: {destination: crm, body: {id: {expr: event.properties.id}, kind: lead}}}";
    let ran = Trial::beside(CRM, nodes).with(json!({"id": 1})).event();
    assert_eq!((port(&ran, "tell"), ran.deliveries.len()), ("done", 1));
    let delivery = &ran.deliveries[0];
    assert_eq!((delivery.destination.as_str(), delivery.key.as_str()), ("crm", "e1/w/tell"));
    assert_eq!(json!(delivery.body), json!({"id": 1, "kind": "lead"}));

    let ran = Trial::beside(CRM, nodes).event();
    assert_eq!(json!(ran.deliveries[0].body), json!({"kind": "lead"}));
    assert_eq!(refused(&ran, "tell"), ["id of the body: event.properties.id is missing"]);
}

#[test]
fn what_no_reader_takes_is_left_out_and_leads_to_error() {
    let nodes = "
- {name: tell, deliver: {destination: crm, body: {bad: {expr: '[[event.properties.a]]'}, n: 1}}, to: {error: told}}
- {name: told, respond: {told: true}}
";
    let mut trial = Trial::beside(CRM, nodes).with(json!({"a": nested(30)}));
    let ran = trial.event();
    assert_eq!((port(&ran, "tell"), json!(ran.deliveries[0].body)), ("error", json!({"n": 1})));
    assert!(refused(&ran, "tell")[0].starts_with("bad of the body: TOO_DEEP: "));
    trial.set(json!({"a": nested(29)}));
    assert_eq!(port(&trial.event(), "tell"), "done");
}

#[test]
fn what_is_wrong_is_told() {
    assert_eq!(
        said_of("- {name: tell, deliver: {destination: crm, body: {}}}"),
        "body: name something to send"
    );
    let said = said_of("- {name: tell, deliver: {destination: crm, body: {a: 1}}}");
    assert!(said.contains("crm"), "{said}");
}
