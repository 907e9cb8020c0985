use serde_json::json;

use super::super::trial::{Trial, nested, port, record, refused, said, said_of};

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
fn what_no_reader_takes_is_left_out_and_leads_to_error() {
    let nodes = "
- {name: ask, http: {url: 'https://example.com/'}, to: say}
- {name: say, respond: {bad: {expr: '[[memory.ask.body]]'}, n: 1}, to: {error: told}}
- {name: told, respond: {told: true}}
";
    for (bad, why) in [
        (json!("a\0b"), "NUL_CHARACTER: "),
        (json!(1e17), "NUMBER_TOO_LARGE: "),
        (nested(29), ""),
        (nested(30), "TOO_DEEP: "),
    ] {
        let ran = Trial::of(nodes).answering("ask", said(bad)).event();
        let (way, fields) = if why.is_empty() { ("done", 2) } else { ("error", 2) };
        assert_eq!((port(&ran, "say"), ran.response.len()), (way, fields), "{why}");
        assert_eq!(ran.response.contains_key("bad"), why.is_empty());
        let told = refused(&ran, "say").concat();
        assert!(why.is_empty() || told.starts_with(&format!("bad of the response: {why}")), "{told}");
    }
}

#[test]
fn an_answer_says_something() {
    assert_eq!(said_of("- {name: say, respond: {}}"), "respond: name something to answer with");
    assert!(
        said_of("- {name: say, respond: {a: {expr: nothing}}}").contains("a: expr: unknown name nothing")
    );
}
