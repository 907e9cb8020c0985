//! Documents for people: leaf by leaf, or in one short line.

use serde_json::{Map, Value};

/// Every leaf of an object by its dotted path; objects without fields are leaves too.
pub(crate) fn leaves(fields: &Map<String, Value>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect("", fields, &mut found);
    found
}

fn collect(above: &str, fields: &Map<String, Value>, found: &mut Vec<(String, String)>) {
    for (name, value) in fields {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match value {
            Value::Object(below) if !below.is_empty() => collect(&path, below, found),
            Value::String(text) => found.push((path, printable(text))),
            other => found.push((path, other.to_string())),
        }
    }
}

/// At most `room` characters of a text in one line; what is left out shows as `…`.
pub(crate) fn short(text: &str, room: usize) -> String {
    let mut line = printable(text);
    if line.chars().count() > room {
        line = line.chars().take(room.saturating_sub(1)).collect();
        line.push('…');
    }
    line
}

/// A text from outside must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_is_told_leaf_by_leaf() {
        let Value::Object(fields) = json!({"a": {"b": 1, "c": {"d": "x"}, "e": {}}, "f": [1, 2]}) else {
            unreachable!("it is an object")
        };
        let told: Vec<String> =
            leaves(&fields).into_iter().map(|(path, value)| format!("{path}={value}")).collect();
        assert_eq!(told, ["a.b=1", "a.c.d=x", "a.e={}", "f=[1,2]"]);
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(short("abc", 3), "abc");
        assert_eq!(short("abcd", 3), "ab…");
        assert_eq!(short("a\nb\u{1b}", 9), "a b ", "a text from outside does not steer the terminal");
    }
}
