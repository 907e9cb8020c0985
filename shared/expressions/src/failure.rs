//! What evaluation reports instead of a value, told without showing data.

use cel::ExecutionError;
use cel::common::types::Type;
use cel::common::value::Val;

/// Why an evaluation gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    Missing { what: String },
    Other { reason: String },
}

impl Failure {
    pub(crate) fn other(reason: impl Into<String>) -> Failure {
        Failure::Other { reason: reason.into() }
    }

    /// Translates the interpreter's error. Its own texts print values, which may be personal data and would
    /// end up in run records and logs, so every one is said anew in terms of types.
    pub(crate) fn of(error: ExecutionError) -> Failure {
        match error {
            ExecutionError::NoSuchKey(key) => Failure::Missing { what: key.to_string() },
            ExecutionError::IndexOutOfBounds(index) => Failure::Missing { what: index_text(&index) },
            // Selecting a field of something that has no fields: the path is as absent as any other.
            ExecutionError::NoSuchOverload(call) if call.function() == "_._" => {
                Failure::Missing { what: "a field".to_string() }
            }
            ExecutionError::NoSuchOverload(call) => Failure::other(format!(
                "{} does not work on {}",
                readable(call.function()),
                list(call.argument_types())
            )),
            ExecutionError::ValuesNotComparable(a, b) => {
                Failure::other(format!("a {} cannot be compared with a {}", value_type(&a), value_type(&b)))
            }
            ExecutionError::UnsupportedBinaryOperator(op, a, b) => Failure::other(format!(
                "{} does not work on a {} and a {}",
                readable(op),
                value_type(&a),
                value_type(&b)
            )),
            ExecutionError::UnexpectedType { want, .. } => {
                Failure::other(format!("a {} is needed where another type was found", want.to_lowercase()))
            }
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
                Failure::other("division by zero")
            }
            ExecutionError::Overflow(..) => Failure::other("a whole number became too large"),
            ExecutionError::FunctionError { function, .. } => {
                Failure::other(format!("the function {function} refused its argument"))
            }
            ExecutionError::InvalidArgumentCount { expected, actual } => {
                Failure::other(format!("a function takes {expected} arguments, not {actual}"))
            }
            ExecutionError::UndeclaredReference(name) => {
                Failure::other(format!("{name} is not known, or not for values of this type"))
            }
            ExecutionError::DuplicateKey(_) => Failure::other("a map has the same key twice"),
            ExecutionError::UnsupportedKeyType(_) => Failure::other("a map key must be a text, bool or int"),
            _ => Failure::other("the values do not fit the expression"),
        }
    }
}

/// The name of a value's type, in the words of the documentation.
pub(crate) fn type_name(value: &dyn Val) -> String {
    plain(value.get_type())
}

fn plain(of: &Type) -> String {
    match of.name() {
        "double" | "int" | "uint" => "number",
        "google.protobuf.Timestamp" => "timestamp",
        "google.protobuf.Duration" => "duration",
        "null_type" => "null",
        other => other,
    }
    .to_string()
}

fn value_type(value: &cel::Value) -> &'static str {
    match value {
        cel::Value::Int(_) | cel::Value::UInt(_) | cel::Value::Float(_) => "number",
        cel::Value::String(_) => "string",
        cel::Value::Bool(_) => "bool",
        cel::Value::List(_) => "list",
        cel::Value::Map(_) => "map",
        cel::Value::Timestamp(_) => "timestamp",
        cel::Value::Duration(_) => "duration",
        cel::Value::Null => "null",
        _ => "value",
    }
}

fn index_text(index: &cel::Value) -> String {
    match index {
        cel::Value::Int(i) => format!("index {i}"),
        cel::Value::UInt(i) => format!("index {i}"),
        _ => "an index".to_string(),
    }
}

/// `_>_` and `add` are the interpreter's names for what people write as `>` and `+`.
fn readable(function: &str) -> String {
    let name = match function {
        "add" => "+",
        "sub" => "-",
        "mul" => "*",
        "div" => "/",
        "rem" => "%",
        other => crate::arithmetic::written_as(other).unwrap_or(other),
    };
    name.trim_matches('_').to_string()
}

fn list(types: &[String]) -> String {
    let names: Vec<&str> = types
        .iter()
        .map(|name| match name.as_str() {
            "double" | "int" | "uint" => "number",
            other => other,
        })
        .collect();
    if names.is_empty() { "nothing".to_string() } else { names.join(", ") }
}
