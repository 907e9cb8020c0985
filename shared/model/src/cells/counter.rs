//! Counters: sums per incarnation; a reset ends the incarnations that its writer saw.

use crate::{Amount, ChangeId};
use std::collections::{BTreeMap, BTreeSet};

/// The sums of one counter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CounterCell {
    /// Tag of a living incarnation → its sum. The first one's tag is empty until members are joined; a later one's tag is
    /// the id of the reset that began it.
    pub sums: BTreeMap<String, Amount>,
    /// Tags of ended incarnations. Kept for ever: a late increment of an ended incarnation must not count.
    pub ended: BTreeSet<String>,
}

impl CounterCell {
    pub(crate) fn add(tag: String, by: Amount) -> Self {
        Self { sums: BTreeMap::from([(tag, by)]), ended: BTreeSet::new() }
    }

    /// A reset begins an incarnation of its own, at zero: this is how later writers learn its tag.
    pub(crate) fn reset(id: &ChangeId, ended: BTreeSet<String>) -> Self {
        let mut cell = Self { sums: BTreeMap::from([(id.as_str().to_owned(), Amount::ZERO)]), ended };
        cell.settle();
        cell
    }

    pub(crate) fn plus(&mut self, other: Self) {
        self.ended.extend(other.ended);
        for (tag, sum) in other.sums {
            let mine = self.sums.entry(tag).or_default();
            *mine = mine.plus(sum);
        }
        self.settle();
    }

    /// What is shown: the sum over living incarnations.
    pub fn total(&self) -> Amount {
        self.sums.values().copied().fold(Amount::ZERO, Amount::plus)
    }

    /// The tag that new increments carry: empty before any reset, then the newest reset's. After concurrent resets
    /// several live; any of them counts, so the greatest will do.
    pub fn current_tag(&self) -> &str {
        if self.ended.is_empty() {
            return "";
        }
        self.sums.keys().next_back().map_or("", String::as_str)
    }

    /// The tags that a reset by someone who sees this cell ends.
    pub fn seen_tags(&self) -> BTreeSet<String> {
        self.sums.keys().cloned().collect()
    }

    /// The same counter with the first incarnation named after its origin: in a join of members a reset must end exactly
    /// what it saw, not the other member's first incarnation too.
    pub(crate) fn owned_by(mut self, origin: &str) -> Self {
        if let Some(sum) = self.sums.remove("") {
            let mine = self.sums.entry(origin.to_owned()).or_default();
            *mine = mine.plus(sum);
        }
        if self.ended.remove("") {
            self.ended.insert(origin.to_owned());
        }
        self.settle();
        self
    }

    pub(crate) fn settle(&mut self) {
        let ended = &self.ended;
        self.sums.retain(|tag, _| !ended.contains(tag));
    }

    pub(crate) fn bytes(&self) -> usize {
        self.sums.keys().map(|tag| 12 + tag.len()).sum::<usize>()
            + self.ended.iter().map(|tag| 2 + tag.len()).sum::<usize>()
    }
}
