//! What rules make of events, and what cannot be made.

use serde_json::{Map, Value, json};
use tributary_model::{IntentOp, TenantId, Time};

use crate::tests::{SOURCE, load};
use crate::{EventView, Failure, Made, Mapping, Sight};

/// The mapping of these changes, each a line of YAML's flow style; `head` stands before them.
fn mapping(head: &str, changes: &[&str]) -> Mapping {
    let lines: String = changes.iter().map(|change| format!("    - {change}\n")).collect();
    let document = format!("kind: Mapping\nname: m\nspec:\n  events: \"*\"\n{head}  changes:\n{lines}");
    let fields = "kind: Fields\nname: f\nspec: {fields: {total: counter, tags: set, least: min}}\n";
    let config = load(&[("a.yaml", SOURCE), ("f.yaml", fields), ("m.yaml", &document)])
        .unwrap_or_else(|errors| panic!("{errors}"));
    config.tenant(&TenantId::new("default").unwrap()).unwrap().mappings[0].clone()
}

/// What the mapping makes of an event with these properties.
fn made(mapping: &Mapping, properties: Value) -> Made {
    let properties = properties.as_object().unwrap().clone();
    let context = Map::from_iter([("ip".to_owned(), json!("::1"))]);
    let time: Time = "2024-05-01T12:00:00Z".parse().unwrap();
    let event = EventView {
        id: "e1",
        event_type: "purchase",
        time,
        received: time,
        source: "web",
        session_id: None,
        properties: &properties,
        context: &context,
    };
    mapping.make(&Sight::of_event(event))
}

/// The operands that one rule makes, as `path: operand`.
fn operands(change: &str, properties: Value) -> Vec<Value> {
    let made = made(&mapping("", &[change]), properties);
    assert_eq!(made.failures, [], "{change}");
    made.intents.into_iter().map(|intent| intent.value.unwrap_or(Value::Null)).collect()
}

/// What one rule tells instead.
fn failures(change: &str, properties: Value) -> Vec<(&'static str, String)> {
    let made = made(&mapping("", &[change]), properties);
    made.failures.into_iter().map(|Failure { reason, description, .. }| (reason, description)).collect()
}

#[test]
fn the_first_place_that_has_a_value_gives_it() {
    let change = "{path: a, op: set, from: [properties.x, properties.y, context.ip]}";
    assert_eq!(operands(change, json!({"x": null, "y": 2})), [json!(2)]);
    assert_eq!(operands(change, json!({"x": 1, "y": 2})), [json!(1)]);
    assert_eq!(operands(change, json!({})), [json!("::1")]);
}

#[test]
fn a_default_stands_in_for_what_is_not_known_and_is_not_converted() {
    let change = "{path: total, op: increment, from: properties.x, as: number, default: 7}";
    assert_eq!(operands(change, json!({"x": "3"})), [json!(3)]);
    assert_eq!(operands(change, json!({"x": null})), [json!(7)]);
    let text = "{path: a, op: set, template: \"{{ event.properties.x }}\", as: upper, default: none}";
    assert_eq!(operands(text, json!({"x": "b"})), [json!("B")]);
    assert_eq!(operands(text, json!({})), [json!("none")]);
    let computed = "{path: a, op: set, expr: event.properties.x * 2, default: 0}";
    assert_eq!(
        (operands(computed, json!({"x": 4})), operands(computed, json!({}))),
        (vec![json!(8)], vec![json!(0)])
    );
}

#[test]
fn what_is_missing_changes_nothing_and_is_no_failure() {
    for change in [
        "{path: a, op: set, from: properties.x, as: number}",
        "{path: tags, op: add_to_set, each: properties.x}",
        "{path: a, op: set, template: \"{{ event.properties.x }}\"}",
        "{path: a, op: set, expr: event.properties.x + 1}",
        "{path: a, op: set, value: 1, when: event.properties.x > 1}",
    ] {
        assert_eq!(operands(change, json!({})), Vec::<Value>::new(), "{change}");
        assert_eq!(operands(change, json!({"x": null})), Vec::<Value>::new(), "{change}");
    }
}

#[test]
fn each_element_of_a_list_makes_a_change() {
    let change = "{path: tags, op: add_to_set, each: properties.tags, as: [trimmed, lower]}";
    assert_eq!(operands(change, json!({"tags": [" A", null, "b "]})), [json!("a"), json!("b")]);
    assert_eq!(operands(change, json!({"tags": "Jazz"})), [json!("jazz")]);
    assert_eq!(operands(change, json!({"tags": []})), Vec::<Value>::new());
    let numbered = "{path: total, op: increment, each: properties.values, as: number}";
    let partly = made(&mapping("", &[numbered]), json!({"values": ["1", "free", 3]}));
    let values: Vec<Option<Value>> = partly.intents.into_iter().map(|intent| intent.value).collect();
    assert_eq!(values, [Some(json!(1)), Some(json!(3))]);
    assert_eq!(partly.failures[0].description, "element 2: the text is not a number as JSON writes it");
    let many: Vec<usize> = (0..65).collect();
    assert_eq!(
        failures(change, json!({"tags": many})),
        [("LIST_TOO_LONG", "the list has 65 elements; at most 64 make changes".to_owned())]
    );
}

#[test]
fn what_cannot_be_evaluated_costs_its_own_change_and_says_no_value() {
    let changes = [
        "{path: a, op: set, from: properties.x, as: number}",
        "{path: b, op: set, expr: event.properties.x - 1}",
        "{path: c, op: set, template: \"{{ event.properties.x - 1 }}\"}",
        "{path: d, op: set, value: 1, when: event.properties.x > 1}",
        "{path: e, op: set, from: properties.x}",
    ];
    let made = made(&mapping("", &changes), json!({"x": "s3cret"}));
    let told: Vec<(&str, &str)> =
        made.failures.iter().map(|failure| (failure.path.as_str(), failure.reason)).collect();
    assert_eq!(
        told,
        [
            ("a", "CONVERSION_FAILED"),
            ("b", "EXPRESSION_FAILED"),
            ("c", "TEMPLATE_FAILED"),
            ("d", "CONDITION_FAILED")
        ]
    );
    assert!(made.failures.iter().all(|failure| !failure.description.contains("s3cret")), "{made:?}");
    assert_eq!(made.intents.len(), 1, "the last one");
}

#[test]
fn a_mapping_may_have_a_condition_and_name_its_sources() {
    let change = ["{path: a, op: set, value: 1}"];
    let paid = mapping("  when: event.properties.value > 0\n", &change);
    assert_eq!(made(&paid, json!({"value": 1})).intents.len(), 1);
    for nothing in [json!({"value": 0}), json!({}), json!({"value": null})] {
        assert_eq!(made(&paid, nothing), Made::default());
    }
    let undecided = made(&paid, json!({"value": "much"}));
    assert_eq!((undecided.intents.len(), undecided.failures[0].reason), (0, "CONDITION_FAILED"));
    assert_eq!(undecided.failures[0].path, "");
    assert_eq!(made(&mapping("  sources: [web]\n", &change), json!({})).intents.len(), 1);
}

#[test]
fn operations_without_operand_make_their_intent() {
    let made = made(&mapping("", &["{path: segments.a, op: enter}", "{path: b, op: unset}"]), json!({}));
    let ops: Vec<(IntentOp, Option<Value>)> =
        made.intents.into_iter().map(|intent| (intent.op, intent.value)).collect();
    assert_eq!(ops, [(IntentOp::Enter, None), (IntentOp::Unset, None)]);
}

/// What is said of a document with this one change.
fn said(change: &str) -> String {
    let document = format!("kind: Mapping\nname: m\nspec:\n  events: [a]\n  changes:\n    - {change}\n");
    let fields = "kind: Fields\nname: f\nspec: {fields: {total: counter, tags: set, least: min}}\n";
    let errors =
        load(&[("s.yaml", SOURCE), ("f.yaml", fields), ("m.yaml", &document)]).expect_err("it is wrong");
    errors.to_string()
}

#[test]
fn what_could_never_work_is_refused_at_load() {
    for (change, told) in [
        (
            "{path: a, op: set, from: properties.x, as: nubmer}",
            "unknown conversion \"nubmer\"; there are text, number, ",
        ),
        ("{path: a, op: set, from: properties.x, as: []}", "as takes 1 to 4 conversions"),
        ("{path: a, op: set, value: 1, as: text}", "as converts what comes from the event"),
        ("{path: a, op: set, value: 1, default: 2}", "default is for what the event may not have"),
        ("{path: a, op: set, from: []}", "the list of places is empty"),
        ("{path: total, op: increment, from: properties.x, as: text}", "`total` takes a number"),
        ("{path: total, op: increment, template: \"{{ event.type }}\"}", "`total` takes a number"),
        ("{path: total, op: increment, from: properties.x, default: none}", "`total` takes a number"),
        ("{path: least, op: min, from: properties.x, as: boolean}", "`least` takes a number"),
        (
            "{path: a, op: set, from: properties.x, each: properties.y}",
            "give one of value, from, each, template and expr",
        ),
        ("{path: a, op: set, template: \"{{ profile.x }}\"}", "template: profile cannot be used here"),
        ("{path: a, op: set, value: 1, when: now > 1}", "when: now cannot be used here"),
        ("{path: a, op: unset, each: properties.x}", "unset takes no value"),
    ] {
        let said = said(change);
        assert!(said.contains(told), "{change}: {said}");
    }
    let fine = "{path: least, op: min, template: \"{{ event.properties.day }}T00:00:00Z\"}";
    assert_eq!(operands(fine, json!({"day": "2024-05-01"})), [json!("2024-05-01T00:00:00Z")]);
    let each = "{path: tags, op: add_to_set, each: properties.x, default: [a, b]}";
    assert_eq!(operands(each, json!({})), [json!("a"), json!("b")]);
}
