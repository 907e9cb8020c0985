//! Keys of Redis that expire, in memory.

use std::{collections::HashMap, hash::Hash};

use tributary_model::Time;

/// Values, each known until its moment.
pub(super) struct Remembered<K, V>(HashMap<K, (V, Time)>);

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V> Remembered<K, V> {
    /// What is still known.
    pub(super) fn get(&self, key: &K, now: Time) -> Option<&V> {
        self.0.get(key).filter(|(_, until)| now < *until).map(|(value, _)| value)
    }

    /// Is known from now on until then.
    pub(super) fn insert(&mut self, key: K, value: V, until: Time) {
        self.0.insert(key, (value, until));
    }
}
