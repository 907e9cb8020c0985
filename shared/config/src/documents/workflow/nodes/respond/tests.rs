use serde_json::json;

use super::super::trial::{Trial, port, record, refused, said_of};

#[test]
fn an_answer_has_what_can_be_had() {
    let nodes = "
- {name: say, respond: {id: {expr: event.properties.id}, list: [1, 2], text: {template: '{{ event.type }}!'}}, to: more}
- {name: more, respond: {list: [3]}}
";
    let ran = Trial::of(nodes).with(json!({"id": 1})).event();
    assert_eq!(json!(ran.response), json!({"id": 1, "list": [3], "text": "seen!"}));
    let ran = Trial::of(nodes).event();
    assert_eq!(json!(ran.response), json!({"list": [3], "text": "seen!"}));
    assert_eq!(port(&ran, "say"), "done");
    assert_eq!(refused(&ran, "say"), ["id of the response: event.properties.id is missing"]);
    assert_eq!(record(&ran, "say").missing, ["event.properties.id"]);
}

#[test]
fn an_answer_says_something() {
    assert_eq!(said_of("- {name: say, respond: {}}"), "respond: name something to answer with");
    assert!(
        said_of("- {name: say, respond: {a: {expr: nothing}}}").contains("a: expr: unknown name nothing")
    );
}
