//! Schemas as documents.

use serde_json::json;
use tributary_model::{TenantId, Time};

use super::*;
use crate::tests::{SOURCE, load};

const PURCHASE: &str = "
kind: Schema
name: purchase
spec:
  events: [purchase, refund]
  sources: [web]
  properties: {required: [value], properties: {value: {type: number}}}
  context: {properties: {page: {type: object}}}
  examples:
    - properties: {value: 1}
    - {properties: {value: 2.5}, context: {page: {}}}
";

fn schema(document: &str) -> Schema {
    let config =
        load(&[("a.yaml", SOURCE), ("s.yaml", document)]).unwrap_or_else(|errors| panic!("{errors}"));
    config.tenant(&TenantId::new("default").unwrap()).unwrap().schemas[0].clone()
}

fn misfits(
    schema: &Schema,
    event_type: &str,
    source: &str,
    properties: Value,
    context: Value,
) -> Vec<String> {
    let (properties, context) =
        (properties.as_object().unwrap().clone(), context.as_object().unwrap().clone());
    let time = Time::from_micros(0);
    let event = EventView {
        id: "e",
        event_type,
        time,
        received: time,
        source,
        session_id: None,
        properties: &properties,
        context: &context,
    };
    schema.misfits(&event).into_iter().map(|misfit| misfit.path).collect()
}

fn said(document: &str) -> String {
    load(&[("a.yaml", SOURCE), ("s.yaml", document)]).expect_err("it is wrong").to_string()
}

#[test]
fn a_schema_asks_the_events_that_it_is_about() {
    let schema = schema(PURCHASE);
    assert_eq!(schema.examples.len(), 2);
    let asked = |event_type, source| misfits(&schema, event_type, source, json!({}), json!({"page": 1}));
    assert_eq!(asked("purchase", "web"), ["properties.value", "context.page"]);
    assert_eq!(asked("refund", "web").len(), 2);
    assert_eq!(asked("page-view", "web"), Vec::<String>::new());
    assert_eq!(asked("purchase", "shop"), Vec::<String>::new());
    assert!(misfits(&schema, "purchase", "web", json!({"value": 1}), json!({})).is_empty());
}

#[test]
fn examples_must_fit_and_the_first_that_does_not_is_told_at_its_place() {
    let wrong = PURCHASE.replace("{value: 2.5}", "{value: s3cret}");
    assert_eq!(
        said(&wrong),
        "s.yaml:11:7: Schema purchase: the example does not fit: properties.value must be a number"
    );
}

#[test]
fn what_is_no_schema_is_told_at_its_place() {
    let wrong = PURCHASE.replace("{type: number}", "{type: nubmer}");
    assert!(said(&wrong).starts_with("s.yaml:7:15: Schema purchase: properties: properties.value.type: "));
    let outside = PURCHASE.replace("{type: object}", "{$ref: \"https://example.com/page\"}");
    assert_eq!(
        said(&outside),
        "s.yaml:8:12: Schema purchase: context: $ref: a reference leads within the schema, like #/$defs/address"
    );
    let nothing = "kind: Schema\nname: n\nspec: {events: a}\n";
    assert_eq!(
        said(nothing),
        "s.yaml:2:7: Schema n: a schema says something of properties, of context or of both"
    );
}
