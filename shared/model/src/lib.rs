//! The domain of Tributary: ids, changes, and the fold that makes profiles of changes.
//!
//! Pure: reads no clock, no network, no file; whatever time it is comes in as an argument. Writes nothing either: callers
//! hold the results. The rules are in `docs/algebra.md`, and every law there has a test here.
//!
//! Start at [`State`] (the fold of a set of changes) and [`Members`] (what makes one profile of several states); then
//! [`admit`], the only place that may refuse a change.

mod admit;
mod amount;
mod cells;
mod change;
mod delta;
mod ids;
mod intent;
mod kinds;
mod limits;
mod minting;
mod path;
mod profile;
mod refusal;
mod state;
mod time;
mod trace;
mod tree;
mod value;
mod view;

pub use admit::{Admission, Limits, admit};
pub use amount::{Amount, AmountError};
pub use cells::{
    BoundCell, Cell, CounterCell, FlagCell, LIST_MAX, ListCell, RECENT_VISITS, RegisterCell, SET_MAX,
    SetCell, SetEntry, Visit, VisitsCell,
};
pub use change::{Bound, Cause, Change, ChangeId, Op, Stage, Stamp};
pub use delta::{Delta, deltas, deltas_as};
pub use ids::{
    EventId, IdError, PartitionId, ProfileId, SessionId, SourceName, StreamId, StreamIdError, TenantId,
    Version, partition_of,
};
pub use intent::{Intent, IntentOp};
pub use kinds::{Kind, KindError, Kinds};
pub use limits::{MAX_DEPTH, MAX_EVENTS};
pub use minting::{IdKey, KeyTooShort, Recognised, derived_event_id};
pub use path::{Path, PathError};
pub use profile::Members;
pub use refusal::{Refusal, Resource};
pub use state::State;
pub use time::{Time, TimeError};
pub use trace::TraceContext;
pub use value::{MAX_EXACT, Value, canonical, canonical_text};
pub use view::View;
