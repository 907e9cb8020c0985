//! Registers: the last writer by stamp wins; a default is the first one by stamp.

use super::{stamp_bytes, value_bytes};
use crate::{Stamp, Value};

/// The writes of one register. What is shown depends on its neighbours in the tree too (docs/algebra.md §4).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegisterCell {
    /// The newest `set` or `unset`; no value for `unset`.
    pub main: Option<(Stamp, Option<Value>)>,
    /// The oldest `set_if_absent`.
    pub default: Option<(Stamp, Value)>,
    /// The newest `set`, also when an `unset` came after it: it still hides older values above.
    pub newest_set: Option<Stamp>,
}

impl RegisterCell {
    pub(crate) fn set(stamp: Stamp, value: Value) -> Self {
        Self { newest_set: Some(stamp.clone()), main: Some((stamp, Some(value))), default: None }
    }

    pub(crate) fn unset(stamp: Stamp) -> Self {
        Self { main: Some((stamp, None)), ..Self::default() }
    }

    pub(crate) fn absent(stamp: Stamp, value: Value) -> Self {
        Self { default: Some((stamp, value)), ..Self::default() }
    }

    pub(crate) fn plus(&mut self, other: Self) {
        if stamp_of(&other.main) > stamp_of(&self.main) {
            self.main = other.main;
        }
        // No default is later than every default here, though `None` sorts first.
        if let Some(theirs) = other.default
            && self.default.as_ref().is_none_or(|mine| theirs.0 < mine.0)
        {
            self.default = Some(theirs);
        }
        if other.newest_set > self.newest_set {
            self.newest_set = other.newest_set;
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let main = self.main.as_ref().map_or(0, |(stamp, value)| {
            stamp_bytes(stamp)
                + value.as_ref().map_or(self.newest_set.as_ref().map_or(0, stamp_bytes), value_bytes)
        });
        main + self.default.as_ref().map_or(0, |(stamp, value)| stamp_bytes(stamp) + value_bytes(value))
    }
}

fn stamp_of<T>(entry: &Option<(Stamp, T)>) -> Option<&Stamp> {
    entry.as_ref().map(|(stamp, _)| stamp)
}
