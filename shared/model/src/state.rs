//! The fold of a set of changes.

use crate::{
    Change, Kind, Path,
    cells::{Cell, LIST_MAX, SET_MAX},
};
use std::collections::{BTreeMap, btree_map::Entry};

/// Everything that is kept of a set of changes: one cell for each path and kind. The same changes give the same state in
/// any order and any grouping (docs/algebra.md §1). Adding is not idempotent: each change must be folded once, which is the
/// business of stream positions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    cells: BTreeMap<(Path, Kind), Cell>,
}

impl State {
    /// The state of one change.
    pub fn one(change: &Change) -> Self {
        let mut state = Self::default();
        state.apply(change);
        state
    }

    /// Folds one more change in. The one function that everyone uses; it never fails.
    pub fn apply(&mut self, change: &Change) {
        self.plus_cell(change.path.clone(), Cell::one(change));
    }

    /// Adds the state of other changes.
    pub fn plus(&mut self, other: Self) {
        for ((path, _), cell) in other.cells {
            self.plus_cell(path, cell);
        }
    }

    /// The state of these changes.
    pub fn fold<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Self {
        let mut state = Self::default();
        for change in changes {
            state.apply(change);
        }
        state
    }

    /// A state from stored cells. Bounds that were larger when it was stored are applied.
    pub fn from_cells(cells: impl IntoIterator<Item = (Path, Cell)>) -> Self {
        let mut state = Self::default();
        for (path, mut cell) in cells {
            match &mut cell {
                Cell::Counter(counter) => counter.settle(),
                Cell::Set(set) => set.cut(SET_MAX),
                Cell::List(list) => list.cut(LIST_MAX),
                Cell::Visits(visits) => visits.cut(),
                Cell::Register(_) | Cell::Min(_) | Cell::Max(_) | Cell::Flag(_) => {}
            }
            state.plus_cell(path, cell);
        }
        state
    }

    /// The cells, by path, then kind.
    pub fn cells(&self) -> impl Iterator<Item = (&Path, &Cell)> {
        self.cells.iter().map(|((path, _), cell)| (path, cell))
    }

    /// The cell of a path and kind.
    pub fn get(&self, path: &Path, kind: Kind) -> Option<&Cell> {
        self.cells.get(&(path.clone(), kind))
    }

    /// Whether no change was folded in.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The paths that were ever written, removed ones included. A path that changed its kind comes twice.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.cells.keys().map(|(path, _)| path)
    }

    /// About how many bytes it takes in storage.
    pub fn bytes(&self) -> usize {
        self.cells().map(|(path, cell)| cell_bytes(path, cell)).sum()
    }

    /// The state as part of a profile: first incarnations of counters are named after the member.
    pub(crate) fn owned_by(self, origin: &str) -> Self {
        let owned = |cell| match cell {
            Cell::Counter(counter) => Cell::Counter(counter.owned_by(origin)),
            other => other,
        };
        Self { cells: self.cells.into_iter().map(|(key, cell)| (key, owned(cell))).collect() }
    }

    fn plus_cell(&mut self, path: Path, cell: Cell) {
        match self.cells.entry((path, cell.kind())) {
            Entry::Vacant(place) => drop(place.insert(cell)),
            Entry::Occupied(mut mine) => mine.get_mut().plus(cell),
        }
    }
}

/// About how many bytes a cell takes with its path.
pub(crate) fn cell_bytes(path: &Path, cell: &Cell) -> usize {
    2 + path.as_str().len() + cell.bytes()
}
