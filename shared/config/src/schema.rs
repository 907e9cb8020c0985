//! The JSON Schema of documents, for editors: made from the types that read them, so that it cannot say something else.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::documents::KINDS;

/// The JSON Schema of any document, for editors to complete and check while a document is written. What follows from
/// several documents together, or needs more than a look at one field, is left to loading.
#[must_use]
pub fn json_schema() -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    let mut by_kind = Vec::new();
    for kind in KINDS {
        let spec = (kind.schema)(&mut generator);
        by_kind.push(json!({
            "if": {"properties": {"kind": {"const": kind.name}}, "required": ["kind"]},
            "then": {"properties": {"spec": spec}},
        }));
    }
    let definitions: Map<String, Value> = generator.take_definitions(true).into_iter().collect();
    let name = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A document of a Tributary configuration",
        "type": "object",
        "additionalProperties": false,
        "required": ["kind", "name", "spec"],
        "properties": {
            "kind": {
                "description": "What sort of document it is.",
                "enum": KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>(),
            },
            "name": {
                "description": "Unique for its kind and tenant: lowercase letters, digits and single hyphens.",
                "type": "string", "pattern": name, "maxLength": 64,
            },
            "tenant": {
                "description": "Whose it is.",
                "type": "string", "pattern": name, "maxLength": 64, "default": "default",
            },
            "spec": {"description": "What it says, by kind."},
        },
        "allOf": by_kind,
        "definitions": definitions,
    })
}
