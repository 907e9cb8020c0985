//! What does not fit, in words of our own: the validator's quote the values.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::paths::LocationSegment;
use jsonschema::{JsonType, ValidationError};

use super::Misfit;

/// Names of fields come from clients; this much of a path is told.
const MAX_PATH: usize = 512;

/// One misfit, or one for each field that should not be there.
pub(super) fn misfits(error: &ValidationError<'_>, part: &str) -> Vec<Misfit> {
    let path = path(error, part);
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|name| misfit(format!("{path}.{name}"), "is not a field of the schema"))
            .collect(),
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![misfit(format!("{path}.{name}"), "is missing")]
        }
        kind => vec![misfit(path, &described(kind))],
    }
}

pub(super) fn described(kind: &Kind) -> String {
    match kind {
        Kind::Type { kind: TypeKind::Single(one) } => format!("must be {}", type_name(*one)),
        Kind::Type { kind: TypeKind::Multiple(many) } => {
            let names: Vec<&str> = many.iter().map(type_name).collect();
            format!("must be {}", names.join(" or "))
        }
        Kind::Enum { .. } => "is none of the values that the schema lists".to_string(),
        Kind::Constant { .. } => "is not the one value that the schema allows".to_string(),
        Kind::Minimum { limit } => format!("is less than {limit}"),
        Kind::Maximum { limit } => format!("is more than {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("is not a multiple of {multiple_of}"),
        Kind::MinLength { limit } => format!("has fewer than {limit} characters"),
        Kind::MaxLength { limit } => format!("has more than {limit} characters"),
        Kind::Pattern { .. } => "does not match the schema's pattern".to_string(),
        Kind::Format { format } => format!("is not of the format {format}"),
        Kind::MinItems { limit } => format!("has fewer than {limit} elements"),
        Kind::MaxItems { limit } => format!("has more than {limit} elements"),
        Kind::AdditionalItems { .. } | Kind::UnevaluatedItems { .. } => "has too many elements".to_string(),
        Kind::UniqueItems => "has equal elements".to_string(),
        Kind::Contains => "has no element such as the schema asks for".to_string(),
        Kind::MinProperties { limit } => format!("has fewer than {limit} fields"),
        Kind::MaxProperties { limit } => format!("has more than {limit} fields"),
        Kind::PropertyNames { .. } => "has a field whose name the schema does not allow".to_string(),
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
            "fits none of the schema's alternatives".to_string()
        }
        Kind::OneOfMultipleValid { .. } => "fits more than one of the schema's alternatives".to_string(),
        Kind::Not { .. } => "is what the schema excludes".to_string(),
        Kind::FalseSchema => "is not allowed".to_string(),
        other => format!("does not fit the schema's {}", other.keyword()),
    }
}

fn type_name(of: JsonType) -> &'static str {
    match of {
        JsonType::Array => "a list",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "a whole number",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a text",
    }
}

fn path(error: &ValidationError<'_>, part: &str) -> String {
    let mut path = part.to_string();
    for segment in error.instance_path() {
        match segment {
            LocationSegment::Property(name) => {
                path.push('.');
                path.push_str(&name);
            }
            LocationSegment::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

fn misfit(mut path: String, description: &str) -> Misfit {
    path.truncate(path.floor_char_boundary(MAX_PATH));
    Misfit { path, description: description.to_string() }
}
