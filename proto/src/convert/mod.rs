//! Wire to domain and back: the only place where messages become domain values. What comes from the wire is checked here;
//! what goes out cannot fail.
//!
//! `From<&domain> for v1` and `TryFrom<&v1> for domain` where a message stands for one value; functions where more is needed.

mod change;
mod delta;
mod profile;
mod state;
#[cfg(test)]
mod tests;
mod time;

pub use change::{changes_from_wire, changes_to_wire, stage_from_wire, stage_to_wire};
pub use delta::deltas_to_wire;
pub use profile::{
    members_from_wire, members_to_wire, profile_to_wire, session_to_wire, version_from_wire, version_to_wire,
};
pub use time::{optional_time_from_wire, time_from_wire, time_to_wire};

use crate::raw::{DocumentError, RawValue};
use tributary_model::{IdError, PathError, StreamIdError, Value, canonical};

/// Why a message is not what it should be. Says where and what kind of fault; never repeats values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// A field that must be there is not.
    #[error("`{field}` is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// An id is not one.
    #[error("`{field}`: {error}")]
    Id {
        /// The field.
        field: &'static str,
        /// What is wrong.
        error: IdError,
    },
    /// A path is not one.
    #[error("`path`: {0}")]
    Path(#[from] PathError),
    /// A time is out of range or malformed.
    #[error("`{field}` is not a time within the years 1 to 9999")]
    Time {
        /// The field.
        field: &'static str,
    },
    /// A document or value cannot be read.
    #[error("`{field}` {error}")]
    Document {
        /// The field.
        field: &'static str,
        /// What is wrong.
        error: DocumentError,
    },
    /// A version is not one.
    #[error("`version`: {0}")]
    Version(#[from] StreamIdError),
    /// An enum or an operand is not one that this release knows.
    #[error("`{field}` has a value that is not known here")]
    Unknown {
        /// The field.
        field: &'static str,
    },
}

fn id_error(field: &'static str) -> impl Fn(IdError) -> ConvertError {
    move |error| ConvertError::Id { field, error }
}

fn value_from_wire(value: &RawValue, field: &'static str) -> Result<Value, ConvertError> {
    value.to_json().map(canonical).map_err(|error| ConvertError::Document { field, error })
}

fn needed<'a, T>(value: &'a Option<T>, field: &'static str) -> Result<&'a T, ConvertError> {
    value.as_ref().ok_or(ConvertError::Missing { field })
}
