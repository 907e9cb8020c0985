//! What someone wants to change, before admission.

use crate::{Path, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A wish to change one path, as mappings and workflows make it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// What to change.
    pub path: Path,
    /// How.
    pub op: IntentOp,
    /// With what. Absent and null both mean "not known": operations that need a value then change nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// The named operations (docs/algebra.md §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntentOp {
    /// Registers: write; of an object, write its leaves.
    Set,
    /// Registers: remove this path and everything below.
    Unset,
    /// Registers: write where nothing was ever written.
    SetIfAbsent,
    /// Registers: remove what is there, then write the object's leaves.
    Replace,
    /// Counters: add.
    Increment,
    /// Counters: subtract.
    Decrement,
    /// Counters: back to zero, as far as the writer has seen.
    Reset,
    /// Keep the lesser.
    Min,
    /// Keep the greater.
    Max,
    /// Sets: add one element.
    AddToSet,
    /// Sets: remove one element.
    RemoveFromSet,
    /// Sets and lists: remove everything up to now.
    Clear,
    /// Lists: add an entry.
    Append,
    /// Flags: on, maybe until `{"expires": time}`.
    Grant,
    /// Flags: off.
    Revoke,
    /// Flags: on, for segments.
    Enter,
    /// Flags: off, for segments.
    Leave,
}

impl IntentOp {
    /// The name used in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Unset => "unset",
            Self::SetIfAbsent => "set_if_absent",
            Self::Replace => "replace",
            Self::Increment => "increment",
            Self::Decrement => "decrement",
            Self::Reset => "reset",
            Self::Min => "min",
            Self::Max => "max",
            Self::AddToSet => "add_to_set",
            Self::RemoveFromSet => "remove_from_set",
            Self::Clear => "clear",
            Self::Append => "append",
            Self::Grant => "grant",
            Self::Revoke => "revoke",
            Self::Enter => "enter",
            Self::Leave => "leave",
        }
    }
}

impl fmt::Display for IntentOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
