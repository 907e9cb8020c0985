//! One profile, or session, of several members.

use crate::{ProfileId, State, Version};
use std::collections::{BTreeMap, btree_map::Entry};

/// What was recorded under each profile id that belongs to one profile (or to one session): its state and the position up to
/// which it was folded. Joining is idempotent: states of one member are never added, the newer one contains the older.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members {
    members: BTreeMap<ProfileId, (Version, State)>,
}

impl Members {
    /// One member.
    pub fn one(origin: ProfileId, version: Version, state: State) -> Self {
        Self { members: BTreeMap::from([(origin, (version, state))]) }
    }

    /// Takes a member's state, unless a newer one is known.
    pub fn insert(&mut self, origin: ProfileId, version: Version, state: State) {
        match self.members.entry(origin) {
            Entry::Vacant(place) => drop(place.insert((version, state))),
            Entry::Occupied(mut mine) if mine.get().0 < version => drop(mine.insert((version, state))),
            Entry::Occupied(_) => {}
        }
    }

    /// Joins: of each member the newer state.
    pub fn join(&mut self, other: Self) {
        for (origin, (version, state)) in other.members {
            self.insert(origin, version, state);
        }
    }

    /// Everything together. Pending changes are applied to their member before, never to the total: only the member knows
    /// whose counters they mean.
    pub fn total(&self) -> State {
        let mut total = State::default();
        for (origin, (_, state)) in &self.members {
            total.plus(state.clone().owned_by(origin.as_str()));
        }
        total
    }

    /// The greatest version of a member; `0-0` for none.
    pub fn version(&self) -> Version {
        self.members.values().map(|(version, _)| *version).max().unwrap_or_default()
    }

    /// A member's version and state.
    pub fn get(&self, origin: &ProfileId) -> Option<(Version, &State)> {
        self.members.get(origin).map(|(version, state)| (*version, state))
    }

    /// The members, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&ProfileId, Version, &State)> {
        self.members.iter().map(|(origin, (version, state))| (origin, *version, state))
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }
}
