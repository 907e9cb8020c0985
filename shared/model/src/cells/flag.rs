//! Flags: consents and segments.

use crate::{ChangeId, Stamp, Time};

/// The last answer of one flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagCell {
    /// When, and by which change.
    pub stamp: Stamp,
    /// Yes or no.
    pub on: bool,
    /// A yes ends by itself at this time; nothing is written then.
    pub expires: Option<Time>,
}

impl FlagCell {
    /// The later answer wins; at equal times a no wins over a yes (privacy), then the id.
    pub(crate) fn plus(&mut self, other: Self) {
        if other.rank() > self.rank() {
            *self = other;
        }
    }

    /// Whether it is on at `now`.
    pub fn is_on(&self, now: Time) -> bool {
        self.on && self.expires.is_none_or(|expires| now < expires)
    }

    fn rank(&self) -> (Time, bool, &ChangeId) {
        (self.stamp.time, !self.on, &self.stamp.change)
    }
}
