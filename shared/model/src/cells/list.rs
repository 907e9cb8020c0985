//! Lists: entries in time order, the newest ones kept.

use super::{stamp_bytes, value_bytes};
use crate::{Stamp, Value};
use std::collections::BTreeMap;

/// How many entries a list keeps: the newest ones.
pub const LIST_MAX: usize = 64;

/// The entries of one list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListCell {
    /// The newest `clear`: entries at or below it are gone, late ones too.
    pub floor: Option<Stamp>,
    /// The entries, in the order in which they happened.
    pub entries: BTreeMap<Stamp, Value>,
}

impl ListCell {
    pub(crate) fn append(stamp: Stamp, value: Value) -> Self {
        Self { floor: None, entries: BTreeMap::from([(stamp, value)]) }
    }

    pub(crate) fn cleared(stamp: Stamp) -> Self {
        Self { floor: Some(stamp), entries: BTreeMap::new() }
    }

    pub(crate) fn plus(&mut self, other: Self) {
        self.plus_within(other, LIST_MAX);
    }

    pub(crate) fn plus_within(&mut self, other: Self, max: usize) {
        if other.floor > self.floor {
            self.floor = other.floor;
        }
        self.entries.extend(other.entries);
        self.cut(max);
    }

    /// As for sets: what is cut has `max` newer entries for good.
    pub(crate) fn cut(&mut self, max: usize) {
        while let Some(oldest) = self.entries.first_entry() {
            if Some(oldest.key()) > self.floor.as_ref() {
                break;
            }
            oldest.remove();
        }
        while self.entries.len() > max {
            self.entries.pop_first();
        }
    }

    pub(crate) fn view(&self) -> Value {
        self.entries.values().cloned().collect()
    }

    pub(crate) fn bytes(&self) -> usize {
        let entries = self.entries.iter().map(|(stamp, value)| stamp_bytes(stamp) + value_bytes(value));
        entries.sum::<usize>() + self.floor.as_ref().map_or(0, stamp_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::test_stamp;
    use proptest::prelude::*;
    use serde_json::json;

    fn fold(entries: &[(Stamp, Option<u8>)]) -> ListCell {
        let mut cell = ListCell::default();
        for (stamp, entry) in entries {
            let one = match entry {
                Some(entry) => ListCell::append(stamp.clone(), json!(entry)),
                None => ListCell::cleared(stamp.clone()),
            };
            cell.plus_within(one, 3);
        }
        cell
    }

    fn entries() -> impl Strategy<Value = Vec<(Stamp, Option<u8>)>> {
        prop::collection::vec((0..9_i64, prop::option::weighted(0.9, 0..6_u8)), 0..12)
            .prop_map(|list| {
                list.into_iter().enumerate().map(|(n, (time, e))| (test_stamp(time, n), e)).collect()
            })
            .prop_shuffle()
    }

    proptest! {
        #[test]
        fn a_small_list_is_the_newest_entries_in_time_order(list in entries()) {
            let floor = list.iter().filter(|entry| entry.1.is_none()).map(|entry| &entry.0).max();
            let mut kept: Vec<_> = list.iter().filter(|entry| entry.1.is_some() && Some(&entry.0) > floor).collect();
            kept.sort();
            let newest = &kept[kept.len().saturating_sub(3)..];
            let expected: Value = newest.iter().filter_map(|entry| entry.1).collect();
            prop_assert_eq!(fold(&list).view(), expected);
        }

        #[test]
        fn small_lists_add_in_any_grouping(list in entries(), cut in 0..12_usize) {
            let cut = cut.min(list.len());
            let mut right = fold(&list[cut..]);
            right.plus_within(fold(&list[..cut]), 3);
            prop_assert_eq!(right, fold(&list));
        }
    }
}
