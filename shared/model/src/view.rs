//! What people see of a state.

use crate::{
    Kind, Kinds, Path, State, Time, Value,
    cells::{Cell, RegisterCell},
    tree,
};
use serde_json::Map;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
};

/// Path → what is shown there. Absent paths show nothing; null is never shown by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View(pub BTreeMap<Path, Value>);

impl State {
    /// What is shown at `now`, which decides about expiry. Should a path hold cells of two kinds, a register is shown
    /// before others; [`Self::view_as`] knows better.
    pub fn view(&self, now: Time) -> View {
        self.view_where(now, |_, _| true)
    }

    /// As [`Self::view`]; a path with cells of several kinds shows the kind that is configured now.
    pub fn view_as(&self, kinds: &Kinds, now: Time) -> View {
        let mut seen = BTreeSet::new();
        let twice: BTreeSet<&Path> = self.paths().filter(|path| !seen.insert(*path)).collect();
        self.view_where(now, |path, kind| !twice.contains(path) || kinds.kind_of(path) == Ok(kind))
    }

    fn view_where(&self, now: Time, wanted: impl Fn(&Path, Kind) -> bool) -> View {
        let mut registers: BTreeMap<&str, &RegisterCell> = BTreeMap::new();
        let mut view = BTreeMap::new();
        for (path, cell) in self.cells().filter(|(path, cell)| wanted(path, cell.kind())) {
            if let Cell::Register(register) = cell {
                registers.insert(path.as_str(), register);
            } else if let Some(value) = cell.view(now) {
                view.insert(path.clone(), value);
            }
        }
        let shown = tree::shown(&registers);
        for path in self.paths() {
            if let Some(value) = shown.get(path.as_str()) {
                view.insert(path.clone(), (*value).clone());
            }
        }
        View(view)
    }
}

impl View {
    /// The view as one nested document. Where a value and a deeper path meet (`a` and `a.b`), the deeper one stands in
    /// the nearest object under the rest of its path (`"a.b"`), so that nothing is lost.
    pub fn document(&self) -> Map<String, Value> {
        let mut root = BTreeMap::new();
        for (path, value) in &self.0 {
            place(&mut root, path.as_str(), value);
        }
        to_map(root)
    }
}

impl Deref for View {
    type Target = BTreeMap<Path, Value>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

enum Node<'a> {
    Shown(&'a Value),
    Branch(BTreeMap<&'a str, Node<'a>>),
}

/// Paths come in order, so a value comes before what lies below it.
fn place<'a>(object: &mut BTreeMap<&'a str, Node<'a>>, path: &'a str, value: &'a Value) {
    if let Some((first, rest)) = path.split_once('.')
        && let Node::Branch(inner) = object.entry(first).or_insert_with(|| Node::Branch(BTreeMap::new()))
    {
        return place(inner, rest, value);
    }
    object.insert(path, Node::Shown(value));
}

fn to_map(object: BTreeMap<&str, Node<'_>>) -> Map<String, Value> {
    let value = |node| match node {
        Node::Shown(value) => value.clone(),
        Node::Branch(inner) => Value::Object(to_map(inner)),
    };
    object.into_iter().map(|(name, node)| (name.to_owned(), value(node))).collect()
}
