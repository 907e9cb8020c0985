//! The documents of a payload: decoded once, and checked for what the mesh cannot keep.

use super::violation;
use serde_json::{Map, Value};
use tributary_model::MAX_EXACT;
use tributary_proto::raw::{DocumentError, RawStruct};
use tributary_proto::v1;

/// Bytes of one text value.
const MAX_TEXT: usize = 8 * 1024;

/// Bytes of a field's name.
const MAX_NAME: usize = 256;

/// Violations told of one document; whoever mends them is told the next ones.
const MAX_VIOLATIONS: usize = 16;

/// Why a document makes the whole payload unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentFault {
    /// Objects and lists lie too deep within each other.
    TooDeep,
    /// It is not a document.
    Malformed,
}

/// A decoded document, and what in it the mesh cannot keep.
pub(super) struct Checked {
    pub(super) object: Map<String, Value>,
    pub(super) violations: Vec<v1::Violation>,
}

/// Decodes and checks; an absent document is an empty one.
pub(super) fn check_document(raw: Option<&RawStruct>, path: &str) -> Result<Checked, DocumentFault> {
    let mut check = Check { trail: vec![Step::Name(path)], violations: Vec::new() };
    let object = match raw.map(RawStruct::to_object) {
        None => Map::new(),
        Some(Ok(object)) => object,
        Some(Err(DocumentError::TooDeep)) => return Err(DocumentFault::TooDeep),
        Some(Err(DocumentError::Malformed)) => return Err(DocumentFault::Malformed),
        Some(Err(DocumentError::NotFinite { path: below })) => {
            let text = "send a finite number, or leave the field out";
            check.refuse_at(format!("{path}.{}", clipped(&below)), "NUMBER_NOT_FINITE", text);
            Map::new()
        }
    };
    check.members(&object);
    Ok(Checked { violations: check.violations, object })
}

/// The way to a value. It is spelled out for a violation only: a hostile document has a million values below one long name.
enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

struct Check<'a> {
    trail: Vec<Step<'a>>,
    violations: Vec<v1::Violation>,
}

impl<'a> Check<'a> {
    fn members(&mut self, object: &'a Map<String, Value>) {
        for (key, member) in object {
            if self.is_enough() {
                return;
            }
            if key.len() > MAX_NAME {
                self.refuse("NAME_TOO_LONG", format!("a name has at most {MAX_NAME} bytes"));
                continue;
            }
            if key.contains('\0') {
                self.refuse("NUL_CHARACTER", "names cannot hold the character U+0000");
            }
            self.trail.push(Step::Name(key));
            self.value(member);
            self.trail.pop();
        }
    }

    fn value(&mut self, value: &'a Value) {
        match value {
            Value::Number(number)
                if number.as_f64().is_some_and(|number| number.abs() > MAX_EXACT as f64) =>
            {
                let text = "integers are exact within 2^53 only; send a larger one as text";
                self.refuse("NUMBER_TOO_LARGE", text);
            }
            Value::String(text) if text.len() > MAX_TEXT => {
                let text = format!("{} bytes; a value holds at most {MAX_TEXT}", text.len());
                self.refuse("VALUE_TOO_LARGE", text);
            }
            Value::String(text) if text.contains('\0') => {
                self.refuse("NUL_CHARACTER", "texts cannot hold the character U+0000");
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    if self.is_enough() {
                        return;
                    }
                    self.trail.push(Step::Index(index));
                    self.value(item);
                    self.trail.pop();
                }
            }
            Value::Object(members) => self.members(members),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn is_enough(&self) -> bool {
        self.violations.len() >= MAX_VIOLATIONS
    }

    fn refuse(&mut self, reason: &'static str, text: impl Into<String>) {
        let mut path = String::new();
        for step in &self.trail {
            match step {
                Step::Name(name) if path.is_empty() => path.push_str(name),
                Step::Name(name) => path.extend([".", name]),
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        self.refuse_at(path, reason, text);
    }

    fn refuse_at(&mut self, path: String, reason: &'static str, text: impl Into<String>) {
        if !self.is_enough() {
            self.violations.push(violation(path, reason, text));
        }
    }
}

fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_NAME)]
}
