//! What a few lines may stand for, and what may lead back to itself.

use std::time::Instant;

use serde_json::{Value, json};

use super::*;
use crate::shape::Shape;

fn refusal(schema: Value) -> String {
    let began = Instant::now();
    let reason = Shape::compile(&schema).expect_err("it is refused");
    assert!(began.elapsed().as_secs() < 5, "it is refused at once");
    reason
}

fn misfits(schema: &Value, properties: &Value) -> Vec<String> {
    let shape = Shape::compile(schema).unwrap_or_else(|reason| panic!("{reason}"));
    let mut misfits = Vec::new();
    shape.check(properties.as_object().unwrap(), "properties", &mut misfits);
    misfits.into_iter().map(|misfit| format!("{} {}", misfit.path, misfit.description)).collect()
}

/// `a0` to `a39`, each asking the next one in the way of `ask`.
fn tower(ask: impl Fn(Value) -> Value) -> Value {
    let mut defs: serde_json::Map<String, Value> =
        (0..39).map(|n| (format!("a{n}"), ask(json!({"$ref": format!("#/$defs/a{}", n + 1)})))).collect();
    defs.insert("a39".into(), json!({"type": "object"}));
    json!({"$ref": "#/$defs/a0", "$defs": defs})
}

#[test]
fn a_schema_that_stands_for_too_much_is_refused() {
    for schema in [
        tower(|next| json!({"allOf": [next, next]})),
        tower(|next| json!({"anyOf": [next, next]})),
        tower(|next| json!({"properties": {"a": next, "b": next}})),
        tower(|next| json!({"if": next, "then": next})),
        tower(|next| json!({"items": next, "contains": next})),
        tower(|next| json!({"allOf": [next], "unevaluatedProperties": false})),
        tower(|next| json!({"not": next, "dependentSchemas": {"x": next}})),
    ] {
        assert!(refusal(schema).starts_with("the schema asks too much of an event"));
    }
    let chain: serde_json::Map<String, Value> =
        (0..1500).map(|n| (format!("a{n}"), json!({"$ref": format!("#/$defs/a{}", n + 1)}))).collect();
    let reason = refusal(json!({"$ref": "#/$defs/a0", "$defs": chain}));
    assert!(reason.starts_with("the schema asks too much"), "{reason}");
    assert_eq!(misfits(&tower(|next| json!({"allOf": [next]})), &json!({})), Vec::<String>::new());
}

#[test]
fn a_reference_that_leads_back_at_once_is_refused() {
    let reason = "a reference leads back to itself without a step into the event: it would never end";
    for schema in [
        json!({"$ref": "#"}),
        json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
        json!({"$defs": {"a": {"$anchor": "x", "not": {"$ref": "#x"}}}, "$ref": "#x"}),
        json!({"$defs": {"a b": {"anyOf": [{"$ref": "#/$defs/a%20b"}]}}, "$ref": "#/$defs/a%20b"}),
        json!({"$dynamicAnchor": "n", "allOf": [{"$dynamicRef": "#n"}]}),
    ] {
        assert_eq!(refusal(schema), reason);
    }
}

#[test]
fn a_schema_that_leads_back_in_two_ways_is_refused() {
    let back = json!({"$ref": "#"});
    let step = |name: &str| json!({"properties": {name: {"$ref": "#"}}});
    for schema in [
        json!({"anyOf": [step("a"), step("a")]}),
        json!({"oneOf": [step("a"), step("a")]}),
        json!({"properties": {"a": back}, "patternProperties": {"^a": back}}),
        json!({"items": back, "contains": back}),
        json!({"properties": {"a": {"allOf": [back, back]}}}),
        json!({"properties": {"a": back}, "additionalProperties": {"anyOf": [{"items": back}, back]}}),
        json!({"allOf": [{"properties": {"a": back}}], "unevaluatedProperties": false}),
    ] {
        assert!(refusal(schema.clone()).starts_with("a schema that refers to itself"), "{schema}");
    }
}

#[test]
fn a_tree_is_described_by_a_schema_that_leads_back() {
    let schema = json!({
        "required": ["root"],
        "properties": {"root": {"$ref": "#/$defs/node"}},
        "$defs": {
            "node": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "left": {"$ref": "#/$defs/node"},
                    "right": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
                "additionalProperties": false,
            },
        },
    });
    let leaf = json!({"name": "leaf"});
    let fits = json!({"root": {"name": "a", "left": leaf, "right": null, "children": [leaf, {"name": "b", "right": leaf}]}});
    assert_eq!(misfits(&schema, &fits), Vec::<String>::new());
    let wrong = json!({"root": {"name": "a", "children": [{"name": "b", "children": [{"name": 1}]}]}});
    assert_eq!(misfits(&schema, &wrong), ["properties.root.children[0].children[0].name must be a text"]);
    let mut deep = json!({"name": "x"});
    for _ in 0..28 {
        deep = json!({"name": "x", "left": deep});
    }
    assert_eq!(misfits(&schema, &json!({"root": deep})), Vec::<String>::new());
}

#[test]
fn a_large_ordinary_schema_passes() {
    let properties: serde_json::Map<String, Value> = (0..400)
        .map(|n| {
            (
                format!("field_{n}"),
                json!({"type": ["string", "null"], "maxLength": 200, "description": "Words."}),
            )
        })
        .collect();
    let item = json!({"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}, "price": {"$ref": "#/$defs/money"}}});
    let mut schema =
        json!({"properties": properties, "$defs": {"money": {"type": "number", "minimum": 0}, "item": item}});
    schema["properties"]["items"] = json!({"type": "array", "items": {"$ref": "#/$defs/item"}});
    let work = of(&schema).unwrap();
    assert!(work.of_each < 40, "{work:?}");
    let items: Vec<Value> = (0..6_000).map(|n| json!({"sku": format!("s{n}"), "price": n})).collect();
    assert_eq!(misfits(&schema, &json!({"items": items})), Vec::<String>::new());
}

#[test]
fn an_event_too_large_for_its_schema_does_not_fit() {
    let many: Vec<Value> = (0..2_000).map(|n| json!({"const": n})).collect();
    let schema = json!({"properties": {"list": {"items": {"anyOf": many}}}});
    let list = |length: usize| json!({"list": vec![json!("x"); length]});
    let began = Instant::now();
    let told = misfits(&schema, &list(100_000));
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("properties has 100002 parts; "), "{told:?}");
    assert!(began.elapsed().as_secs() < 5);
    assert_eq!(misfits(&schema, &json!({"list": [1, 2, 3]})), Vec::<String>::new());
}
