//! The least and the greatest value ever seen, and the change that brought it first.

use crate::{Bound, Stamp};

/// The winner so far of a `min` or a `max`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundCell {
    /// The value.
    pub bound: Bound,
    /// When it was first seen, and by which change.
    pub stamp: Stamp,
}

impl BoundCell {
    /// Keeps the lesser value; of equal ones the earlier.
    pub(crate) fn lesser(&mut self, other: Self) {
        if (other.bound.value, &other.stamp) < (self.bound.value, &self.stamp) {
            *self = other;
        }
    }

    /// Keeps the greater value; of equal ones the earlier.
    pub(crate) fn greater(&mut self, other: Self) {
        let wins = other.bound.value > self.bound.value
            || (other.bound.value == self.bound.value && other.stamp < self.stamp);
        if wins {
            *self = other;
        }
    }
}
