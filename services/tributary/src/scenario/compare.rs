//! What was expected beside what came. Of an object only what is named is compared; a list is complete and in order, its
//! elements likewise; null says that nothing is there.

use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};
use tributary_model::canonical;

/// What is expected and what came of it, reduced to what is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// What was expected.
    pub expected: Value,
    /// What came, as far as anything was expected of it.
    pub actual: Value,
}

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// As expected.
    Same(String),
    /// Expected, and not there.
    Missing(String),
    /// There, and not expected.
    Unexpected(String),
}

impl Compared {
    /// Reduces both to what is compared.
    #[must_use]
    pub fn new(expected: &Value, actual: &Value) -> Compared {
        Compared {
            expected: without_nulls(&canonical(expected.clone())),
            actual: reduced(&canonical(actual.clone()), expected),
        }
    }

    /// Whether everything came as expected.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.expected == self.actual
    }

    /// The difference, line by line, as YAML: what came can be taken over into the document.
    #[must_use]
    pub fn diff(&self) -> Vec<Line> {
        let (expected, actual) = (yaml(&self.expected), yaml(&self.actual));
        let diff = TextDiff::from_lines(expected.as_str(), actual.as_str());
        let line = |change: similar::Change<&str>| {
            let text = change.value().trim_end_matches('\n').to_owned();
            match change.tag() {
                ChangeTag::Equal => Line::Same(text),
                ChangeTag::Delete => Line::Missing(text),
                ChangeTag::Insert => Line::Unexpected(text),
            }
        };
        diff.iter_all_changes().map(line).collect()
    }
}

/// What of `actual` is compared with `expected`. Whatever stands where another sort of value is expected, and every element
/// that a list has too many, stays whole: it is what is wrong.
fn reduced(actual: &Value, expected: &Value) -> Value {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            let named = expected.iter().filter_map(|(name, expected)| {
                let actual = actual.get(name).filter(|actual| !actual.is_null())?;
                Some((name.clone(), reduced(actual, expected)))
            });
            Value::Object(named.collect())
        }
        (Value::Array(actual), Value::Array(expected)) => {
            let elements = actual.iter().enumerate().map(|(index, actual)| match expected.get(index) {
                Some(expected) => reduced(actual, expected),
                None => without_nulls(actual),
            });
            elements.collect()
        }
        (actual, _) => without_nulls(actual),
    }
}

/// Null in an object says that nothing is there.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let there = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                there.map(|(name, value)| (name.clone(), without_nulls(value))).collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

fn yaml(value: &Value) -> String {
    match value {
        Value::Object(fields) if fields.is_empty() => String::new(),
        value => serde_saphyr::to_string(value).unwrap_or_else(|_| format!("{value:#}\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn equal(expected: Value, actual: Value) -> bool {
        Compared::new(&expected, &actual).is_equal()
    }

    #[test]
    fn of_an_object_only_what_is_named_is_compared() {
        assert!(equal(json!({"a": {"b": 1}}), json!({"a": {"b": 1, "c": 2}, "d": 3})));
        assert!(!equal(json!({"a": {"b": 1}}), json!({"a": {"b": 2}})));
        assert!(!equal(json!({"a": {"b": 1}}), json!({"a": 1})));
        assert!(!equal(json!({"a": 1}), json!({})));
    }

    #[test]
    fn null_says_that_nothing_is_there() {
        assert!(equal(json!({"a": null}), json!({})));
        assert!(equal(json!({"a": null}), json!({"a": null})));
        assert!(!equal(json!({"a": null}), json!({"a": 0})));
        assert!(equal(json!({"a": {"b": null}}), json!({"a": {"c": 1}})));
    }

    #[test]
    fn a_list_is_complete_and_in_order_and_its_elements_are_compared_by_what_is_named() {
        assert!(equal(json!([{"a": 1}]), json!([{"a": 1, "b": 2}])));
        assert!(!equal(json!([1, 2]), json!([2, 1])));
        assert!(!equal(json!([1]), json!([1, 2])));
        assert!(!equal(json!([1, 2]), json!([1])));
        assert!(equal(json!([]), json!([])));
    }

    #[test]
    fn numbers_are_equal_by_value_and_differ_from_texts() {
        assert!(equal(json!({"a": 1}), json!({"a": 1.0})));
        assert!(!equal(json!({"a": "1"}), json!({"a": 1})));
    }

    #[test]
    fn a_difference_shows_the_compared_parts_only() {
        let compared = Compared::new(
            &json!({"profile": {"count": 1, "name": "x", "plan": null}}),
            &json!({"profile": {"count": 2, "name": "x", "plan": "pro", "other": 7}}),
        );
        let expected = [
            Line::Same("profile:".into()),
            Line::Missing("  count: 1".into()),
            Line::Unexpected("  count: 2".into()),
            Line::Same("  name: x".into()),
            Line::Unexpected("  plan: pro".into()),
        ];
        assert_eq!(compared.diff(), expected);
    }
}
