//! Visits: each is counted by one change, made once; the first and the newest two are remembered.

use crate::{SessionId, Time, Value};
use serde_json::json;
use std::collections::BTreeSet;

/// How many of the newest visits are remembered: the current and the last one.
pub const RECENT_VISITS: usize = 2;

/// One visit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Visit {
    /// When it opened; fixed then, whatever arrives late.
    pub opened_at: Time,
    /// Whose visit it is.
    pub session: SessionId,
}

/// What is known of all visits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitsCell {
    /// How many there were.
    pub count: u64,
    /// The first one.
    pub first: Visit,
    /// The newest two.
    pub newest: BTreeSet<Visit>,
}

impl VisitsCell {
    pub(crate) fn one(opened_at: Time, session: SessionId) -> Self {
        let visit = Visit { opened_at, session };
        Self { count: 1, first: visit.clone(), newest: BTreeSet::from([visit]) }
    }

    pub(crate) fn plus(&mut self, other: Self) {
        self.count = self.count.wrapping_add(other.count);
        if other.first < self.first {
            self.first = other.first;
        }
        self.newest.extend(other.newest);
        self.cut();
    }

    pub(crate) fn cut(&mut self) {
        while self.newest.len() > RECENT_VISITS {
            self.newest.pop_first();
        }
    }

    pub(crate) fn view(&self) -> Value {
        let mut shown = json!({"count": self.count, "first": self.first.opened_at.to_string()});
        for (name, visit) in ["current", "last"].into_iter().zip(self.newest.iter().rev()) {
            shown[name] = Value::from(visit.opened_at.to_string());
        }
        shown
    }

    pub(crate) fn bytes(&self) -> usize {
        let visits = self.newest.iter().chain([&self.first]);
        8 + visits.map(|visit| 10 + visit.session.as_str().len()).sum::<usize>()
    }
}
