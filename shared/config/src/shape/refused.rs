//! Why something is no JSON Schema, in words of our own: the compiler's quote the schema of schemas.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use tributary_expressions::did_you_mean;

use super::words;

/// What a `type` can be.
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
/// The formats that are checked.
const FORMATS: [&str; 19] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "idn-email",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uri-template",
    "uuid",
];
/// How much of a word or path of the document is told.
const MAX_TOLD: usize = 100;

/// What is wrong, and where: the names that lead to it are those of the schema.
pub(super) fn words(error: &ValidationError<'_>) -> String {
    let pointer = error.instance_path().as_str();
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    let keyword = parts.iter().rev().copied().find(|part| part.parse::<usize>().is_err()).unwrap_or_default();
    let named = parts.len().checked_sub(2).map(|above| parts[above]);
    // A field may be called like a keyword.
    let is_keyword = !matches!(named, Some("properties" | "$defs" | "patternProperties"));
    let told = match (keyword, error.instance().as_ref()) {
        ("type", Value::String(word)) if is_keyword => {
            format!("there is no type {}; there are {}", short(word), TYPES.join(", "))
                + &did_you_mean(word, TYPES)
        }
        ("type", Value::Array(words)) if is_keyword => {
            let unknown = words.iter().filter_map(Value::as_str).find(|word| !TYPES.contains(word));
            match unknown {
                Some(word) => format!("there is no type {}; there are {}", short(word), TYPES.join(", "))
                    + &did_you_mean(word, TYPES),
                None => "type takes one type, or a list of different ones".to_string(),
            }
        }
        ("type", _) if is_keyword => format!("type takes one of {}, or a list of them", TYPES.join(", ")),
        ("format", Value::String(word)) if is_keyword => {
            format!("there is no format {}; there are {}", short(word), FORMATS.join(", "))
                + &did_you_mean(word, FORMATS)
        }
        ("pattern", Value::String(_)) if is_keyword => {
            "the pattern is no regular expression that can be used: its brackets must be closed, and it cannot look \
             ahead, look behind or refer back"
                .to_string()
        }
        _ => match error.kind() {
            Kind::MinItems { .. } => "needs at least one element".to_string(),
            Kind::Type { .. } if schemas_are_expected(error) => {
                "must be a schema: an object such as {type: string}, or true or false".to_string()
            }
            Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => "cannot be written so".to_string(),
            Kind::Referencing(_) => "a reference leads to nothing; write it like #/$defs/address".to_string(),
            kind => words::described(kind),
        },
    };
    let at = short(&parts.join("."));
    if at.is_empty() { told } else { format!("{at}: {told}") }
}

/// Whether what must be an object may be true or false too, which only schemas are.
fn schemas_are_expected(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), Kind::Type { kind: jsonschema::error::TypeKind::Multiple(_) })
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_TOLD).collect()
}
