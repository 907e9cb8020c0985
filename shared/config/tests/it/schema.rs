//! The JSON Schema that is shipped is the one of this code, and right documents conform to it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::repository;

const SHIPPED: &str = "docs/schema/tributary.schema.json";

/// What is wrong with a document in YAML by the schema alone.
fn violations(document: &str) -> Vec<String> {
    let document: Value = serde_saphyr::from_str(document).unwrap();
    let validator = jsonschema::validator_for(&tributary_config::json_schema()).unwrap();
    validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_shipped_schema_is_up_to_date() {
    let mut now = serde_json::to_string_pretty(&tributary_config::json_schema()).unwrap();
    now.push('\n');
    let shipped = fs::read_to_string(repository(SHIPPED)).unwrap_or_default();
    if shipped != now {
        fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("tributary.schema.json"), now).unwrap();
        panic!("{SHIPPED} is out of date: cargo run --bin tributary -- schema > {SHIPPED}");
    }
}

#[test]
fn every_document_of_the_example_conforms() {
    for document in tributary_config::read_directory(&repository("deploy/example")).unwrap() {
        let place = format!("{}:{}", document.file, document.line);
        assert_eq!(violations(&document.text), Vec::<String>::new(), "{place}");
    }
}

#[test]
fn every_file_of_the_example_names_the_schema_for_editors() {
    let mut folders = vec![repository("deploy/example")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // Beside the documents are programs that they call.
            if path.extension().is_none_or(|kind| kind != "yaml" && kind != "example") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let schema =
                text.lines().next().and_then(|line| line.strip_prefix("# yaml-language-server: $schema="));
            let schema =
                schema.unwrap_or_else(|| panic!("{} does not begin with its schema", path.display()));
            let named = path.parent().unwrap().join(schema).canonicalize().unwrap();
            assert_eq!(named, repository(SHIPPED).canonicalize().unwrap());
        }
    }
}

#[test]
fn a_misspelt_field_or_kind_does_not_conform() {
    let right = "kind: Source\nname: web\nspec: {write_keys: [{env: KEY}]}\n";
    assert_eq!(violations(right), Vec::<String>::new());
    for (was, wrong) in
        [("write_keys", "writekeys"), ("Source", "Sauce"), ("name", "nam"), ("web", "Web"), ("env", "evn")]
    {
        assert!(!violations(&right.replace(was, wrong)).is_empty(), "{wrong}");
    }
}

#[test]
fn what_loading_refuses_at_a_look_does_not_conform() {
    let mapping = |rest: &str| format!("kind: Mapping\nname: m\nspec: {{events: [a], {rest}}}\n");
    for wrong in [
        "kind: Fields\nname: f\nspec: {fields: {a: visits}}\n".to_string(),
        "kind: Source\nname: s\nspec: {write_keys: [{}]}\n".to_string(),
        "kind: Source\nname: s\nspec: {write_keys: [{env: A, file: b}]}\n".to_string(),
        "kind: Schema\nname: s\nspec: {events: a, properties: text}\n".to_string(),
        "kind: Scenario\nname: s\nspec: {source: web, steps: []}\n".to_string(),
        mapping("changes: []"),
        mapping("sources: [], changes: [{path: a, op: unset}]"),
        mapping("changes: [{path: a, op: set, value: 1, from: id}]"),
        mapping("changes: [{path: a, op: set, value: 1}]").replace("[a]", "[]"),
    ] {
        assert!(!violations(&wrong).is_empty(), "{wrong}");
    }
    assert_eq!(violations(&mapping("changes: [{path: a, op: set, from: id}]")), Vec::<String>::new());
}

#[test]
fn every_kind_and_field_is_described() {
    let schema = tributary_config::json_schema();
    for (name, definition) in schema["definitions"].as_object().unwrap() {
        let fields = definition["properties"].as_object();
        for (field, said) in fields.into_iter().flatten() {
            let referred = said.get("$ref").or(said.pointer("/anyOf/0/$ref")).and_then(Value::as_str);
            let referred = referred.and_then(|at| schema.pointer(at.trim_start_matches('#')));
            let described = |said: &Value| said.get("description").is_some_and(|text| *text != json!(""));
            assert!(described(said) || referred.is_some_and(described), "{name}.{field} has no description");
        }
    }
}
