use serde_json::json;

use super::super::trial::{Trial, nested, port, refused, said, said_of};

#[test]
fn an_event_is_made_with_what_can_be_had() {
    let nodes = "
- name: make
  emit: {type: basket-left, properties: {id: {expr: event.properties.id}, text: {template: 'for {{ event.type }}'}, n: 1}}
";
    let ran = Trial::of(nodes).with(json!({"id": "b1"})).event();
    assert_eq!(port(&ran, "make"), "done");
    assert_eq!((ran.emits.len(), ran.emits[0].event_type.as_str()), (1, "basket-left"));
    assert_eq!(json!(ran.emits[0].properties), json!({"id": "b1", "text": "for seen", "n": 1}));

    let ran = Trial::of(nodes).event();
    assert_eq!(json!(ran.emits[0].properties), json!({"text": "for seen", "n": 1}));
    assert_eq!(port(&ran, "make"), "done");
    assert_eq!(refused(&ran, "make"), ["property id of basket-left: event.properties.id is missing"]);
}

#[test]
fn what_was_left_out_leads_to_error_where_that_leads_somewhere() {
    let nodes = "
- {name: make, emit: {type: a, properties: {id: {expr: event.properties.id}}}, to: {error: told}}
- {name: told, respond: {told: true}}
";
    let ran = Trial::of(nodes).event();
    assert_eq!((port(&ran, "make"), ran.emits.len(), &ran.response["told"]), ("error", 1, &json!(true)));
}

#[test]
fn a_property_that_no_event_may_have_is_left_out_and_leads_to_error() {
    let nodes = "
- {name: ask, http: {url: 'https://example.com/'}, to: make}
- {name: make, emit: {type: a, properties: {bad: {expr: memory.ask.body.bad}, n: 1}}, to: {error: told}}
- {name: told, respond: {told: true}}
";
    for (bad, why) in [
        (json!("a\0b"), "NUL_CHARACTER: "),
        (json!([9_007_199_254_740_994_u64]), "NUMBER_TOO_LARGE: "),
        (json!("x".repeat(8193)), "VALUE_TOO_LARGE: "),
        (json!({"n".repeat(257): 1}), "NAME_TOO_LONG: "),
    ] {
        let ran = Trial::of(nodes).answering("ask", said(json!({"bad": bad}))).event();
        assert_eq!((port(&ran, "make"), &ran.response["told"]), ("error", &json!(true)), "{why}");
        assert_eq!(json!(ran.emits[0].properties), json!({"n": 1}));
        let told = refused(&ran, "make")[0];
        assert!(told.starts_with(&format!("property bad of a: {why}")), "{told}");
    }
    let deep = "
- {name: make, emit: {type: a, properties: {bad: {expr: '[event.properties.a]'}, n: 1}}}
";
    let ran = Trial::of(deep).with(json!({"a": nested(31)})).event();
    assert_eq!((port(&ran, "make"), json!(ran.emits[0].properties)), ("done", json!({"n": 1})));
    assert!(refused(&ran, "make")[0].starts_with("property bad of a: TOO_DEEP: "));
    let ran = Trial::of(deep).with(json!({"a": nested(30)})).event();
    assert_eq!(ran.emits[0].properties.len(), 2);
}

#[test]
fn properties_that_are_too_large_for_an_event_are_left_out() {
    let nodes = "- {name: make, emit: {type: a, properties: {x: {expr: event.properties.a}, y: {expr: event.properties.a}}}}";
    let ran = Trial::of(nodes).with(json!({"a": vec![1; 15_000]})).event();
    assert_eq!(json!(ran.emits[0].properties), json!({"x": vec![1; 15_000]}));
    assert!(refused(&ran, "make")[0].starts_with("property y of a: TOO_LARGE: "));
}

#[test]
fn a_circle_of_events_is_refused() {
    let said = said_of("- {name: make, emit: {type: seen}}");
    assert!(said.contains("made events lead back to what they were made for: seen -> seen"), "{said}");
}
