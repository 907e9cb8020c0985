//! What is refused at load, and how misfits are told.

use serde_json::json;

use super::*;

fn told(schema: Value, properties: Value) -> Vec<String> {
    let shape = Shape::compile(&schema).unwrap_or_else(|error| panic!("{error}"));
    let mut misfits = Vec::new();
    shape.check(properties.as_object().unwrap(), "properties", &mut misfits);
    misfits.into_iter().map(|misfit| format!("{} {}", misfit.path, misfit.description)).collect()
}

fn refusal(schema: Value) -> String {
    Shape::compile(&schema).expect_err("it is refused")
}

#[test]
fn misfits_name_places_and_never_values() {
    let schema = json!({
        "type": "object",
        "required": ["value", "currency"],
        "additionalProperties": false,
        "properties": {
            "value": {"type": "number", "minimum": 0},
            "currency": {"enum": ["NOK", "EUR"]},
            "email": {"format": "email"},
            "code": {"pattern": "^[A-Z]+$"},
            "items": {"type": "array", "maxItems": 2, "items": {"type": ["string", "null"]}},
        },
    });
    let right = json!({"value": 1, "currency": "NOK", "email": "a@b.no", "code": "A", "items": ["a", null]});
    assert!(told(schema.clone(), right).is_empty());
    let wrong = json!({
        "value": "s3cret", "email": "s3cret", "code": "s3cret", "items": [1, "s3cret", "s3cret"], "more": "s3cret",
    });
    let mut misfits = told(schema.clone(), wrong);
    misfits.sort();
    assert_eq!(
        misfits,
        [
            "properties.code does not match the schema's pattern",
            "properties.currency is missing",
            "properties.email is not of the format email",
            "properties.items has more than 2 elements",
            "properties.items[0] must be null or a text",
            "properties.more is not a field of the schema",
            "properties.value must be a number",
        ]
    );
    let negative = json!({"value": -1, "currency": "s3cret"});
    let mut misfits = told(schema, negative);
    misfits.sort();
    assert_eq!(
        misfits,
        [
            "properties.currency is none of the values that the schema lists",
            "properties.value is less than 0"
        ]
    );
}

#[test]
fn no_more_than_sixteen_misfits_are_told() {
    let schema = json!({"additionalProperties": {"type": "number"}});
    let many: Map<String, Value> = (0..100).map(|n| (format!("f{n}"), json!("x"))).collect();
    assert_eq!(told(schema, Value::Object(many)).len(), MAX_MISFITS);
}

#[test]
fn nothing_outside_of_the_document_is_looked_at() {
    let within = "a reference leads within the schema, like #/$defs/address";
    for target in ["https://example.com/a.json", "file:///etc/passwd", "other.json", "urn:x"] {
        assert_eq!(refusal(json!({"properties": {"a": {"$ref": target}}})), format!("$ref: {within}"));
        assert_eq!(refusal(json!({"$dynamicRef": target})), format!("$dynamicRef: {within}"));
    }
    assert!(refusal(json!({"$id": "https://example.com/x"})).starts_with("$id cannot be used"));
    let own = json!({"$defs": {"n": {"type": "number"}}, "properties": {"a": {"$ref": "#/$defs/n"}}});
    assert_eq!(told(own, json!({"a": "x"})), ["properties.a must be a number"]);
    assert!(!refusal(json!({"$ref": "#/$defs/nowhere"})).is_empty());
}

#[test]
fn what_is_no_schema_is_refused_with_its_place() {
    assert_eq!(refusal(json!([])), "a schema is an object");
    assert!(
        refusal(json!({"properties": {"a": {"type": "nubmer"}}}))
            .starts_with("properties.a.type: there is no type nubmer")
    );
    assert!(!refusal(json!({"properties": {"a": {"format": "e-mial"}}})).is_empty());
    assert!(!refusal(json!({"properties": {"a": {"pattern": "(?<=a)b"}}})).is_empty(), "no backtracking");
    assert!(refusal(json!({"$schema": "http://json-schema.org/draft-07/schema#"})).starts_with("$schema: "));
    let deep = (0..100).fold(json!({}), |inner, _| json!({"not": inner}));
    assert!(refusal(deep).starts_with("the schema nests too deeply"));
    let large = json!({"description": "x".repeat(MAX_BYTES)});
    assert!(refusal(large).ends_with("at most 65536 are allowed"));
}

#[test]
fn schemas_that_refer_to_themselves_end() {
    for schema in [
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}),
        json!({"not": {"not": {"$ref": "#"}}}),
        json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
        json!({"properties": {"a": {"$ref": "#"}}, "additionalProperties": false}),
        json!({"$dynamicAnchor": "x", "allOf": [{"$dynamicRef": "#x"}]}),
    ] {
        if let Ok(shape) = Shape::compile(&schema) {
            let nested = (0..30).fold(json!({"b": 1}), |inner, _| json!({"a": inner}));
            shape.check(nested.as_object().unwrap(), "properties", &mut Vec::new());
        }
    }
}
