//! What the nodes of a run have found out.

use serde_json::{Map, Value};

use crate::bytes::json_bytes;
use crate::limits::{MAX_MEMORY_BYTES, MAX_NESTING};
use crate::values::{is_deeper, too_deep};

/// A run's memory while the run is under way.
#[derive(Debug)]
pub(crate) struct Memory {
    /// By node. In a [`Value`], as a scope takes it.
    values: Value,
    bytes: usize,
    /// Whether what is shown of it is what it holds.
    pub(crate) is_shown: bool,
}

impl Memory {
    pub(crate) fn new(values: Map<String, Value>) -> Memory {
        let bytes = values.iter().map(|(name, value)| entry_bytes(name, value)).sum();
        Memory { values: Value::Object(values), bytes, is_shown: false }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Remembers `value`; what was remembered under the name is replaced.
    ///
    /// # Errors
    /// It is too much, or too deep: then nothing is changed.
    pub(crate) fn set(&mut self, name: &str, value: Value) -> Result<(), String> {
        if is_deeper(&value, MAX_NESTING) {
            return Err(too_deep());
        }
        let before = self.get(name).map_or(0, |value| entry_bytes(name, value));
        let bytes = entry_bytes(name, &value);
        if self.bytes - before + bytes > MAX_MEMORY_BYTES {
            let told = "TOO_LARGE: what the nodes of one run remember has at most";
            return Err(format!("{told} {MAX_MEMORY_BYTES} bytes, and this would be more"));
        }
        self.remove(name);
        self.bytes += bytes;
        self.values[name] = value;
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.is_shown = false;
        if let Some(value) = self.values.as_object_mut().and_then(|values| values.remove(name)) {
            self.bytes -= entry_bytes(name, &value);
        }
    }

    pub(crate) fn values(&self) -> &Value {
        &self.values
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    pub(crate) fn into_values(self) -> Map<String, Value> {
        match self.values {
            Value::Object(values) => values,
            _ => Map::new(),
        }
    }
}

/// Name, quotes, colon, comma and value.
fn entry_bytes(name: &str, value: &Value) -> usize {
    name.len() + 4 + json_bytes(value)
}
