//! What changes did to what is shown.

use crate::{Change, Path, State, Time, Value};
use std::collections::BTreeSet;

/// What a list of changes did to one path, net.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// The path.
    pub path: Path,
    /// As shown before; absent where nothing was shown.
    pub before: Option<Value>,
    /// As shown with the changes; absent where nothing is shown.
    pub after: Option<Value>,
    /// Whether the two differ.
    pub changed: bool,
    /// The changes of this path, in order; none where another path's change altered it.
    pub changes: Vec<Change>,
}

/// The state with the changes, and what they did to each path: to the touched ones, and to others that show something else
/// because of them (docs/algebra.md §9). In path order.
pub fn deltas(before: &State, changes: &[Change], now: Time) -> (State, Vec<Delta>) {
    let mut after = before.clone();
    for change in changes {
        after.apply(change);
    }
    let (old, new) = (before.view(now), after.view(now));
    let touched = changes.iter().map(|change| &change.path);
    let altered = old.keys().chain(new.keys()).filter(|path| old.get(*path) != new.get(*path));
    let paths: BTreeSet<&Path> = touched.chain(altered).collect();
    let deltas = paths
        .into_iter()
        .map(|path| Delta {
            path: path.clone(),
            before: old.get(path).cloned(),
            after: new.get(path).cloned(),
            changed: old.get(path) != new.get(path),
            changes: changes.iter().filter(|change| change.path == *path).cloned().collect(),
        })
        .collect();
    (after, deltas)
}
