//! Registers form a tree: what each shows depends on what was written above and below it (docs/algebra.md §4).

use crate::{Stamp, Value, cells::RegisterCell, path::ancestors};
use std::collections::{BTreeMap, BTreeSet};

/// What shows, as if all sets and unsets had been applied to one plain document in the order of their stamps.
pub(crate) fn shown<'a>(registers: &BTreeMap<&'a str, &'a RegisterCell>) -> BTreeMap<&'a str, &'a Value> {
    let over = newest_set_below(registers);
    // The newest write strictly above: it replaced or removed everything below that is older.
    let floor = |path: &str| {
        ancestors(path).filter_map(|above| registers.get(above)?.main.as_ref()).map(|(stamp, _)| stamp).max()
    };

    let mut shown = BTreeMap::new();
    for (path, register) in registers {
        if let Some((stamp, Some(value))) = &register.main
            && Some(stamp) > floor(path)
            && Some(stamp) > over.get(path).copied()
        {
            shown.insert(*path, value);
        }
    }

    let mut holds_values: BTreeSet<&str> = shown.keys().flat_map(|path| ancestors(path)).collect();
    // Backwards, so that a deeper default comes before one above it.
    for (path, register) in registers.iter().rev() {
        if register.main.is_none()
            && let Some((stamp, value)) = &register.default
            && Some(stamp) > floor(path)
            && !holds_values.contains(path)
            && !ancestors(path).any(|above| shown.contains_key(above))
        {
            shown.insert(*path, value);
            holds_values.extend(ancestors(path));
        }
    }
    shown
}

/// Path → the newest set strictly below it. A value is gone once something below it was set later.
fn newest_set_below<'a>(registers: &BTreeMap<&'a str, &'a RegisterCell>) -> BTreeMap<&'a str, &'a Stamp> {
    let mut over: BTreeMap<&str, &Stamp> = BTreeMap::new();
    for (path, register) in registers {
        if let Some(newest) = &register.newest_set {
            for above in ancestors(path) {
                let known = over.entry(above).or_insert(newest);
                *known = newest.max(*known);
            }
        }
    }
    over
}
