//! Changes: what admission lets through, in the form that is stored and folded.

use crate::{Amount, EventId, IdError, Kind, Path, ProfileId, SessionId, Time, Value};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

/// Which stage made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// On acceptance.
    Preprocess,
    /// By a workflow's run.
    Workflow,
    /// By metrics and segments.
    Dispatcher,
}

impl Stage {
    /// The digit in change ids.
    pub const fn digit(self) -> u8 {
        match self {
            Self::Preprocess => 1,
            Self::Workflow => 2,
            Self::Dispatcher => 3,
        }
    }
}

/// Why a change was made: an event, and the stage that handled it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause {
    /// The event.
    pub event: EventId,
    /// The stage.
    pub stage: Stage,
}

/// Names a change. Derived, never random: equal on every retry. Compares bytewise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeId(String);

impl ChangeId {
    /// The most bytes of a change id.
    const MAX_BYTES: usize = 512;

    /// An id that was stored.
    ///
    /// # Errors
    /// Empty, longer than 512 bytes, or with control characters.
    pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
        let text = text.into();
        match text.len() {
            0 => Err(IdError::Empty),
            bytes if bytes > Self::MAX_BYTES => Err(IdError::TooLong { bytes }),
            _ if text.chars().any(char::is_control) => Err(IdError::Control),
            _ => Ok(Self(text)),
        }
    }

    /// The id of a stage's change: `commit_key` is `0`, or after a run's pause `<workflow>.<number of the pause>`.
    pub fn derive(event: &EventId, stage: Stage, commit_key: &str, ordinal: u16) -> Self {
        Self(format!("{event}/{}/{commit_key}/{ordinal:04}", stage.digit()))
    }

    /// The id of the one change that counts a visit, named by the event that opened it.
    pub fn open_visit(profile: &ProfileId, session: &SessionId, opened_by: &EventId) -> Self {
        Self(format!("open/{profile}/{session}/{opened_by}"))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The total order over all changes: time first, then id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// The event's time.
    pub time: Time,
    /// The change.
    pub change: ChangeId,
}

/// One described modification of one path.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Names it.
    pub id: ChangeId,
    /// The event that caused it.
    pub event: EventId,
    /// When that happened, never after it was received.
    pub time: Time,
    /// What it modifies.
    pub path: Path,
    /// How.
    pub op: Op,
}

/// What a change does, with its operand.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Writes a register.
    Set(Value),
    /// Removes a register and what is below it.
    Unset,
    /// Gives a register a value for as long as nothing was ever written there.
    SetIfAbsent(Value),
    /// Adds to a counter.
    Increment {
        /// How much.
        by: Amount,
        /// The incarnation that it adds to; empty for the first.
        tag: String,
    },
    /// Subtracts from a counter.
    Decrement {
        /// How much.
        by: Amount,
        /// As for `Increment`.
        tag: String,
    },
    /// Ends the incarnations of a counter that the writer saw.
    Reset {
        /// Their tags.
        ended: BTreeSet<String>,
    },
    /// Keeps the lesser.
    Min(Bound),
    /// Keeps the greater.
    Max(Bound),
    /// Adds a scalar to a set.
    AddToSet(Value),
    /// Removes a scalar from a set.
    RemoveFromSet(Value),
    /// Empties a set, as of this change.
    ClearSet,
    /// Empties a list, as of this change.
    ClearList,
    /// Adds an entry to a list.
    Append(Value),
    /// Turns a flag on.
    Grant {
        /// Until then; absent: for good.
        expires: Option<Time>,
    },
    /// Turns a flag off.
    Revoke,
    /// Turns a segment's flag on.
    Enter,
    /// Turns a segment's flag off.
    Leave,
    /// Counts a visit, which opened at the change's time.
    OpenVisit {
        /// Whose visit.
        session: SessionId,
    },
}

/// The operand of `min` and `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bound {
    /// The number, or the time as seconds since 1970.
    pub value: Amount,
    /// Whether it is a time and shown as such.
    pub is_time: bool,
}

impl Bound {
    /// As it is shown: RFC 3339 text for a time, else a number.
    pub fn to_json(self) -> Value {
        if self.is_time { Value::from(self.value.to_time().to_string()) } else { self.value.to_json() }
    }
}

impl Change {
    /// Its place in the order of all changes.
    pub fn stamp(&self) -> Stamp {
        Stamp { time: self.time, change: self.id.clone() }
    }

    /// The kind of field that it changes.
    pub fn kind(&self) -> Kind {
        self.op.kind()
    }
}

impl Op {
    /// The kind of field that it works on.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Set(_) | Self::Unset | Self::SetIfAbsent(_) => Kind::Register,
            Self::Increment { .. } | Self::Decrement { .. } | Self::Reset { .. } => Kind::Counter,
            Self::Min(_) => Kind::Min,
            Self::Max(_) => Kind::Max,
            Self::AddToSet(_) | Self::RemoveFromSet(_) | Self::ClearSet => Kind::Set,
            Self::ClearList | Self::Append(_) => Kind::List,
            Self::Grant { .. } | Self::Revoke | Self::Enter | Self::Leave => Kind::Flag,
            Self::OpenVisit { .. } => Kind::Visits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_event_sort_by_stage_commit_and_ordinal() {
        let event = EventId::new("e1").unwrap();
        let ids = [
            ChangeId::derive(&event, Stage::Preprocess, "0", 2),
            ChangeId::derive(&event, Stage::Preprocess, "0", 10),
            ChangeId::derive(&event, Stage::Workflow, "0", 0),
            ChangeId::derive(&event, Stage::Workflow, "timer", 0),
        ];
        assert!(ids.is_sorted());
        assert_eq!(ids[0].as_str(), "e1/1/0/0002");
    }

    #[test]
    fn a_visit_has_one_id_whoever_opens_it() {
        let id = ChangeId::open_visit(
            &ProfileId::new("p").unwrap(),
            &SessionId::new("s").unwrap(),
            &EventId::new("e").unwrap(),
        );
        assert_eq!(id.as_str(), "open/p/s/e");
    }

    #[test]
    fn time_orders_before_the_id() {
        let stamp =
            |time, id: &str| Stamp { time: Time::from_micros(time), change: ChangeId::new(id).unwrap() };
        assert!(stamp(1, "z") < stamp(2, "a") && stamp(2, "a") < stamp(2, "b"));
    }
}
