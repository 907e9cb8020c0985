//! Words in schemas that are no keywords of JSON Schema: it passes over them, so a misspelt one says nothing.

use serde_json::{Map, Value};

use tributary_expressions::nearest;

use crate::yaml;

/// Every keyword of draft 2020-12, and those of earlier drafts that people still write.
const KEYWORDS: [&str; 60] = [
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$ref",
    "$schema",
    "$vocabulary",
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "default",
    "definitions",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "deprecated",
    "description",
    "else",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "if",
    "items",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "readOnly",
    "required",
    "then",
    "title",
    "type",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
    "writeOnly",
];

/// What holds a schema for each name.
const SCHEMAS_BY_NAME: [&str; 5] =
    ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"];
/// What holds a schema, or a list of them.
const SCHEMAS: [&str; 16] = [
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// What is suspicious in a Schema document: the path of each word, and what is told of it.
pub(super) fn of(document: &str) -> Vec<(Vec<String>, String)> {
    let Some(spec) = yaml::contents(document) else { return Vec::new() };
    let mut told = Vec::new();
    for part in ["properties", "context"] {
        let mut path = vec!["spec".to_string(), part.to_string()];
        walk(&spec[part], &mut path, &mut told);
    }
    told
}

fn walk(schema: &Value, path: &mut Vec<String>, told: &mut Vec<(Vec<String>, String)>) {
    let Value::Object(fields) = schema else { return };
    for (word, value) in fields {
        path.push(word.clone());
        match value {
            _ if !KEYWORDS.contains(&word.as_str()) => {
                told.extend(suspicion(word, value).map(|reason| (path.clone(), reason)));
            }
            Value::Object(by_name) if SCHEMAS_BY_NAME.contains(&word.as_str()) => {
                each(by_name.iter().map(|(name, schema)| (name.clone(), schema)), path, told);
            }
            Value::Array(list) if SCHEMAS.contains(&word.as_str()) => {
                each(list.iter().enumerate().map(|(index, schema)| (index.to_string(), schema)), path, told);
            }
            schema if SCHEMAS.contains(&word.as_str()) => walk(schema, path, told),
            _ => {}
        }
        path.pop();
    }
}

fn each<'s>(
    schemas: impl Iterator<Item = (String, &'s Value)>,
    path: &mut Vec<String>,
    told: &mut Vec<(Vec<String>, String)>,
) {
    for (name, schema) in schemas {
        path.push(name);
        walk(schema, path, told);
        path.pop();
    }
}

/// A word of one's own is allowed in a schema; one that is nearly a keyword, or that looks like a field, is suspicious.
fn suspicion(word: &str, value: &Value) -> Option<String> {
    if let Some(near) = nearest(word, KEYWORDS) {
        return Some(format!(
            "`{word}` is no keyword of JSON Schema and asks nothing of events; did you mean {near}?"
        ));
    }
    let looks_like_a_field = |fields: &Map<String, Value>| {
        ["type", "enum", "const", "format", "pattern", "properties"]
            .iter()
            .any(|word| fields.contains_key(*word))
    };
    value.as_object().filter(|fields| looks_like_a_field(fields)).map(|_| {
        format!(
            "`{word}` is no keyword of JSON Schema and asks nothing of events; a field is described below `properties` of \
             its schema"
        )
    })
}
