use serde_json::json;

use super::super::trial::{Trial, port, refused, said_of};

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
fn a_circle_of_events_is_refused() {
    let said = said_of("- {name: make, emit: {type: seen}}");
    assert!(said.contains("made events lead back to what they were made for: seen -> seen"), "{said}");
}
