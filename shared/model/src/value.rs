//! Values of fields: JSON, compared by meaning.

use std::fmt::Write as _;

/// A JSON value.
pub type Value = serde_json::Value;

/// The greatest whole number that all readers of JSON keep exactly, 2⁵³: up to here every integer has a double of its own.
pub const MAX_EXACT: u64 = 1 << 53;

/// The one spelling of a value: whole numbers up to 2⁵³ are integers, so that `1.0` is `1`, at every depth.
pub fn canonical(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(whole(&number).map_or(number, Into::into)),
        Value::Array(items) => Value::Array(items.into_iter().map(canonical).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, field)| (name, canonical(field))).collect())
        }
        other => other,
    }
}

/// Text that is equal exactly where values are: `1` equals `1.0`, but neither `"1"` nor `true`; fields in name order.
pub fn canonical_text(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value);
    text
}

/// Whether every whole number in the value is within ±2⁵³, where JSON readers agree on it.
pub(crate) fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(n), _) => n.unsigned_abs() <= MAX_EXACT,
            (None, Some(_)) => false,
            (None, None) => true,
        },
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(fields) => fields.values().all(is_exact),
        _ => true,
    }
}

/// How deeply objects and arrays lie within each other; 0 for a scalar.
pub(crate) fn nesting(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(nesting).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(nesting).max().unwrap_or(0),
        _ => 0,
    }
}

fn whole(number: &serde_json::Number) -> Option<i64> {
    if number.is_i64() || number.is_u64() {
        return None;
    }
    let float = number.as_f64()?;
    // In range and whole: the conversion is exact.
    (float.fract() == 0.0 && float.abs() <= MAX_EXACT as f64).then_some(float as i64)
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    text.push(',');
                }
                write_value(text, item);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            // Sorted here, whatever order the map keeps.
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (n, (name, field)) in fields.into_iter().enumerate() {
                if n > 0 {
                    text.push(',');
                }
                write_value(text, &Value::String(name.clone()));
                text.push(':');
                write_value(text, field);
            }
            text.push('}');
        }
        Value::Number(number) => {
            let written = match whole(number) {
                Some(whole) => write!(text, "{whole}"),
                None => write!(text, "{number}"),
            };
            written.expect("a String takes all text");
        }
        scalar => write!(text, "{scalar}").expect("a String takes all text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_is_one_whatever_its_spelling_and_nothing_else_is() {
        assert_eq!(canonical(json!({"a": [1.0, -0.0, 1.5]})), json!({"a": [1, 0, 1.5]}));
        assert_eq!(canonical_text(&json!(1.0)), canonical_text(&json!(1)));
        assert_ne!(canonical_text(&json!(1)), canonical_text(&json!("1")));
        assert_ne!(canonical_text(&json!(1)), canonical_text(&json!(true)));
        assert_eq!(canonical(json!(1e300)), json!(1e300));
    }

    #[test]
    fn text_has_fields_in_name_order() {
        assert_eq!(
            canonical_text(&json!({"b": "x\"", "a": {"d": null, "c": []}})),
            r#"{"a":{"c":[],"d":null},"b":"x\""}"#
        );
    }

    #[test]
    fn integers_beyond_two_to_the_53_are_not_exact() {
        assert!(is_exact(&json!({"a": [9_007_199_254_740_992_i64, 1e300]})));
        assert!(!is_exact(&json!({"a": [9_007_199_254_740_993_i64]})));
        assert!(!is_exact(&json!(u64::MAX)));
    }
}
