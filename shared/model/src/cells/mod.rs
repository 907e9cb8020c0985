//! What is kept of the changes of one path: one small structure per kind, each with a `plus` that is associative and
//! commutative (docs/algebra.md §3).

mod bound;
mod counter;
mod flag;
mod list;
mod register;
mod set;
mod visits;

pub use bound::BoundCell;
pub use counter::CounterCell;
pub use flag::FlagCell;
pub use list::{LIST_MAX, ListCell};
pub use register::RegisterCell;
pub use set::{SET_MAX, SetCell, SetEntry};
pub use visits::{RECENT_VISITS, Visit, VisitsCell};

use crate::{Change, Kind, Op, Stamp, Time, Value};

/// The fold of the changes of one path and kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// The last value written.
    Register(RegisterCell),
    /// A sum.
    Counter(CounterCell),
    /// The least value.
    Min(BoundCell),
    /// The greatest value.
    Max(BoundCell),
    /// Distinct scalars.
    Set(SetCell),
    /// Entries in time order.
    List(ListCell),
    /// On or off.
    Flag(FlagCell),
    /// Counted visits.
    Visits(VisitsCell),
}

impl Cell {
    /// The cell that holds one change.
    pub fn one(change: &Change) -> Self {
        let stamp = change.stamp();
        match &change.op {
            Op::Set(value) => Self::Register(RegisterCell::set(stamp, value.clone())),
            Op::Unset => Self::Register(RegisterCell::unset(stamp)),
            Op::SetIfAbsent(value) => Self::Register(RegisterCell::absent(stamp, value.clone())),
            Op::Increment { by, tag } => Self::Counter(CounterCell::add(tag.clone(), *by)),
            Op::Decrement { by, tag } => Self::Counter(CounterCell::add(tag.clone(), by.negated())),
            Op::Reset { ended } => Self::Counter(CounterCell::reset(&change.id, ended.clone())),
            Op::Min(bound) => Self::Min(BoundCell { bound: *bound, stamp }),
            Op::Max(bound) => Self::Max(BoundCell { bound: *bound, stamp }),
            Op::AddToSet(value) => Self::Set(SetCell::touch(stamp, value, true)),
            Op::RemoveFromSet(value) => Self::Set(SetCell::touch(stamp, value, false)),
            Op::ClearSet => Self::Set(SetCell::cleared(stamp)),
            Op::Append(value) => Self::List(ListCell::append(stamp, value.clone())),
            Op::ClearList => Self::List(ListCell::cleared(stamp)),
            Op::Grant { expires } => Self::Flag(FlagCell { stamp, on: true, expires: *expires }),
            Op::Enter => Self::Flag(FlagCell { stamp, on: true, expires: None }),
            Op::Revoke | Op::Leave => Self::Flag(FlagCell { stamp, on: false, expires: None }),
            Op::OpenVisit { session } => Self::Visits(VisitsCell::one(change.time, session.clone())),
        }
    }

    /// Adds the cell of other changes of the same path and kind. A cell of another kind cannot come here: states are
    /// keyed by kind; it would be left out.
    pub fn plus(&mut self, other: Self) {
        match (self, other) {
            (Self::Register(a), Self::Register(b)) => a.plus(b),
            (Self::Counter(a), Self::Counter(b)) => a.plus(b),
            (Self::Min(a), Self::Min(b)) => a.lesser(b),
            (Self::Max(a), Self::Max(b)) => a.greater(b),
            (Self::Set(a), Self::Set(b)) => a.plus(b),
            (Self::List(a), Self::List(b)) => a.plus(b),
            (Self::Flag(a), Self::Flag(b)) => a.plus(b),
            (Self::Visits(a), Self::Visits(b)) => a.plus(b),
            (mine, theirs) => debug_assert!(false, "{} and {} do not add", mine.kind(), theirs.kind()),
        }
    }

    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Register(_) => Kind::Register,
            Self::Counter(_) => Kind::Counter,
            Self::Min(_) => Kind::Min,
            Self::Max(_) => Kind::Max,
            Self::Set(_) => Kind::Set,
            Self::List(_) => Kind::List,
            Self::Flag(_) => Kind::Flag,
            Self::Visits(_) => Kind::Visits,
        }
    }

    /// What is shown of it at `now`; registers are shown by [`crate::tree`], since they hide each other.
    pub(crate) fn view(&self, now: Time) -> Option<Value> {
        match self {
            Self::Register(_) => None,
            Self::Counter(cell) => Some(cell.total().to_json()),
            Self::Min(cell) | Self::Max(cell) => Some(cell.bound.to_json()),
            Self::Set(cell) => Some(cell.view()),
            Self::List(cell) => Some(cell.view()),
            Self::Flag(cell) => Some(Value::Bool(cell.is_on(now))),
            Self::Visits(cell) => Some(cell.view()),
        }
    }

    /// About how many bytes it takes in storage.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Register(cell) => cell.bytes(),
            Self::Counter(cell) => cell.bytes(),
            Self::Min(cell) | Self::Max(cell) => 24 + stamp_bytes(&cell.stamp),
            Self::Set(cell) => cell.bytes(),
            Self::List(cell) => cell.bytes(),
            Self::Flag(cell) => 16 + stamp_bytes(&cell.stamp),
            Self::Visits(cell) => cell.bytes(),
        }
    }
}

/// About how many bytes a stamp takes.
fn stamp_bytes(stamp: &Stamp) -> usize {
    8 + stamp.change.as_str().len()
}

/// About how many bytes a value takes.
fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 2,
        Value::Number(_) => 9,
        Value::String(text) => 2 + text.len(),
        Value::Array(items) => 2 + items.iter().map(value_bytes).sum::<usize>(),
        Value::Object(fields) => {
            2 + fields.iter().map(|(name, field)| 2 + name.len() + value_bytes(field)).sum::<usize>()
        }
    }
}

#[cfg(test)]
fn test_stamp(time: i64, n: usize) -> Stamp {
    Stamp { time: Time::from_micros(time), change: crate::ChangeId::new(format!("e{n:02}")).expect("short") }
}
