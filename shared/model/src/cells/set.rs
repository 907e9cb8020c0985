//! Sets of scalars: the last writer by stamp decides each element; the newest entries are kept.

use super::{stamp_bytes, value_bytes};
use crate::{Stamp, Value, canonical, canonical_text};
use std::collections::BTreeMap;

/// How many entries a set keeps, removals counted: the most recently touched ones.
pub const SET_MAX: usize = 256;

/// The touched elements of one set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetCell {
    /// The newest `clear`: entries at or below it are gone, late ones too.
    pub floor: Option<Stamp>,
    /// Canonical text of an element → what was last done to it.
    pub entries: BTreeMap<String, SetEntry>,
}

/// What was last done to one element.
#[derive(Clone, Debug, PartialEq)]
pub struct SetEntry {
    /// The element.
    pub value: Value,
    /// When.
    pub stamp: Stamp,
    /// Added, or removed. A removal keeps its place: without it a late, older add would bring the element back.
    pub present: bool,
}

impl SetCell {
    pub(crate) fn touch(stamp: Stamp, value: &Value, present: bool) -> Self {
        let entry = SetEntry { value: canonical(value.clone()), stamp, present };
        Self { floor: None, entries: BTreeMap::from([(canonical_text(value), entry)]) }
    }

    pub(crate) fn cleared(stamp: Stamp) -> Self {
        Self { floor: Some(stamp), entries: BTreeMap::new() }
    }

    pub(crate) fn plus(&mut self, other: Self) {
        self.plus_within(other, SET_MAX);
    }

    pub(crate) fn plus_within(&mut self, other: Self, max: usize) {
        if other.floor > self.floor {
            self.floor = other.floor;
        }
        for (key, theirs) in other.entries {
            match self.entries.get(&key) {
                Some(mine) if mine.stamp >= theirs.stamp => {}
                _ => drop(self.entries.insert(key, theirs)),
            }
        }
        self.cut(max);
    }

    /// Drops what a clear removed and what lies beyond the newest `max`. Whatever is cut has `max` newer entries, and no
    /// later union can take those away: the order of folding does not matter.
    pub(crate) fn cut(&mut self, max: usize) {
        let floor = &self.floor;
        self.entries.retain(|_, entry| Some(&entry.stamp) > floor.as_ref());
        if self.entries.len() > max {
            let mut stamps: Vec<&Stamp> = self.entries.values().map(|entry| &entry.stamp).collect();
            stamps.sort_unstable();
            let oldest_kept = stamps[stamps.len() - max].clone();
            self.entries.retain(|_, entry| entry.stamp >= oldest_kept);
        }
    }

    pub(crate) fn view(&self) -> Value {
        let mut present: Vec<&SetEntry> = self.entries.values().filter(|entry| entry.present).collect();
        present.sort_unstable_by_key(|entry| &entry.stamp);
        present.into_iter().map(|entry| entry.value.clone()).collect()
    }

    pub(crate) fn bytes(&self) -> usize {
        let entries =
            self.entries.values().map(|entry| 2 + value_bytes(&entry.value) + stamp_bytes(&entry.stamp));
        entries.sum::<usize>() + self.floor.as_ref().map_or(0, stamp_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::test_stamp;
    use proptest::prelude::*;
    use serde_json::json;

    /// (stamp, element or clear, present)
    type Touch = (Stamp, Option<u8>, bool);

    fn fold(touches: &[Touch], max: usize) -> SetCell {
        let mut cell = SetCell::default();
        for (stamp, element, present) in touches {
            cell.plus_within(
                match element {
                    Some(element) => SetCell::touch(stamp.clone(), &json!(element), *present),
                    None => SetCell::cleared(stamp.clone()),
                },
                max,
            );
        }
        cell
    }

    fn touches() -> impl Strategy<Value = Vec<Touch>> {
        let touch = (0..9_i64, prop::option::weighted(0.9, 0..6_u8), any::<bool>());
        prop::collection::vec(touch, 0..12).prop_map(|list| {
            list.into_iter()
                .enumerate()
                .map(|(n, (time, e, present))| (test_stamp(time, n), e, present))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn a_small_set_is_the_newest_touched_elements_in_any_order(
            (list, shuffled) in touches().prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle()))
        ) {
            let floor = list.iter().filter(|touch| touch.1.is_none()).map(|touch| &touch.0).max();
            let mut sorted: Vec<&Touch> = list.iter().filter(|t| t.1.is_some() && Some(&t.0) > floor).collect();
            sorted.sort_by_key(|touch| &touch.0);
            let mut last: Vec<&Touch> = Vec::new();
            for touch in sorted {
                last.retain(|known| known.1 != touch.1);
                last.push(touch);
            }
            let newest = &last[last.len().saturating_sub(3)..];
            let expected: Value = newest.iter().filter(|touch| touch.2).filter_map(|touch| touch.1).collect();
            prop_assert_eq!(fold(&shuffled, 3).view(), expected);
        }

        #[test]
        fn small_sets_add_in_any_grouping((list, cut) in touches().prop_flat_map(|list| {
            let end = list.len();
            (Just(list), 0..=end)
        })) {
            let mut right = fold(&list[cut..], 3);
            right.plus_within(fold(&list[..cut], 3), 3);
            prop_assert_eq!(right, fold(&list, 3));
        }
    }

    #[test]
    fn a_removal_holds_its_place_against_a_late_add() {
        let (add, remove) = ((test_stamp(1, 0), Some(1), true), (test_stamp(2, 1), Some(1), false));
        assert_eq!(fold(&[add.clone(), remove.clone()], 3).view(), json!([]));
        assert_eq!(fold(&[remove, add], 3).view(), json!([]));
    }

    #[test]
    fn removals_count_as_entries() {
        // x, y, z added, then z removed, room for two: were removals free, x would show in some orders only.
        let list: Vec<Touch> = [(1, 0, true), (2, 1, true), (3, 2, true), (4, 2, false)]
            .into_iter()
            .enumerate()
            .map(|(n, (time, element, present))| (test_stamp(time, n), Some(element), present))
            .collect();
        let backwards: Vec<Touch> = list.iter().rev().cloned().collect();
        assert_eq!(fold(&list, 2).view(), json!([1]));
        assert_eq!(fold(&backwards, 2), fold(&list, 2));
    }
}
