//! Why a change is not admitted.

use crate::{IntentOp, Kind, Path, PathError};
use std::fmt;
use thiserror::Error;

/// Why an intent cannot become a change. Names paths, never values: values may be personal data.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A field's name makes a path that is none.
    #[error("a field below `{path}` has a name that cannot be used: {error}")]
    BadPath {
        /// The path above the field.
        path: Path,
        /// What is wrong with it.
        error: PathError,
    },
    /// The operation is not one of the path's kind.
    #[error("`{op}` does not work on `{path}`, which is a {kind}; use {}", usable(*.kind))]
    WrongOperation {
        /// The path.
        path: Path,
        /// The operation that was asked for.
        op: IntentOp,
        /// The path's kind.
        kind: Kind,
    },
    /// The operation needs a JSON number.
    #[error("`{path}` takes a number; send a JSON number, not text or a boolean")]
    NotANumber {
        /// The path.
        path: Path,
    },
    /// A number is too big to be kept exactly.
    #[error("a number at `{path}` is too big; amounts go to 10^15, other integers to 2^53")]
    NumberTooBig {
        /// The path.
        path: Path,
    },
    /// Sets hold scalars.
    #[error("`{path}` is a set and holds scalars; send one text, number or boolean per change")]
    NotScalar {
        /// The path.
        path: Path,
    },
    /// `replace` needs an object.
    #[error("`replace` at `{path}` takes an object; use `set` for other values")]
    NotAnObject {
        /// The path.
        path: Path,
    },
    /// An empty object is not a value.
    #[error("an empty object at `{path}` is not a value; use `unset` to remove fields")]
    EmptyObject {
        /// The path.
        path: Path,
    },
    /// A grant's value is something else than an expiry.
    #[error(
        "`grant` at `{path}` takes nothing, or an object such as {{\"expires\": \"2030-01-01T00:00:00Z\"}}"
    )]
    BadExpiry {
        /// The path.
        path: Path,
    },
    /// The path holds fields of other kinds.
    #[error("`{path}` holds fields of other kinds (`{below}`); change the fields below it one by one")]
    MixedKinds {
        /// The path.
        path: Path,
        /// A path below it that has another kind.
        below: String,
    },
    /// The namespace of metrics is not open for changes yet.
    #[error("`{path}`: metrics cannot be changed by events yet; use another path")]
    Metrics {
        /// The path.
        path: Path,
    },
    /// A value is too large.
    #[error("the value at `{path}` has {bytes} bytes; at most {limit} are kept")]
    TooLarge {
        /// The path.
        path: Path,
        /// How large it is as JSON.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// A value lies too deep.
    #[error("the value at `{path}` is nested too deep; a document has at most {limit} levels")]
    TooDeep {
        /// The path.
        path: Path,
        /// How many levels there may be.
        limit: usize,
    },
    /// One cause makes too many changes.
    #[error("one event makes at most {limit} changes; split it into several events")]
    TooManyChanges {
        /// How many are allowed.
        limit: usize,
    },
    /// The profile or session is full.
    #[error("the profile or session would exceed its {limit} {what}; it takes no more of them")]
    Exhausted {
        /// What ran out.
        what: Resource,
        /// How many there may be.
        limit: usize,
    },
}

/// What a profile or session has a bounded amount of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Paths that were ever written.
    Paths,
    /// Bytes of the state.
    Bytes,
    /// Resets of one counter.
    Resets,
}

impl Refusal {
    /// A stable name for programs.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::BadPath { .. } => "BAD_PATH",
            Self::WrongOperation { .. } => "WRONG_OPERATION",
            Self::NotANumber { .. } => "NOT_A_NUMBER",
            Self::NumberTooBig { .. } => "NUMBER_TOO_LARGE",
            Self::NotScalar { .. } => "NOT_SCALAR",
            Self::NotAnObject { .. } => "NOT_AN_OBJECT",
            Self::EmptyObject { .. } => "EMPTY_OBJECT",
            Self::BadExpiry { .. } => "BAD_EXPIRY",
            Self::MixedKinds { .. } => "MIXED_KINDS",
            Self::Metrics { .. } => "METRICS_NOT_CHANGEABLE",
            Self::TooLarge { .. } => "VALUE_TOO_LARGE",
            Self::TooDeep { .. } => "VALUE_TOO_DEEP",
            Self::TooManyChanges { .. } => "TOO_MANY_CHANGES",
            Self::Exhausted { what: Resource::Paths, .. } => "PATHS_EXHAUSTED",
            Self::Exhausted { what: Resource::Bytes, .. } => "BYTES_EXHAUSTED",
            Self::Exhausted { what: Resource::Resets, .. } => "RESETS_EXHAUSTED",
        }
    }

    /// Whether a limit of the profile or session was met (RESOURCE_EXHAUSTED), not a fault of the intent itself.
    pub const fn is_exhausted(&self) -> bool {
        matches!(self, Self::Exhausted { .. })
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Paths => "paths",
            Self::Bytes => "bytes",
            Self::Resets => "resets of one counter",
        })
    }
}

fn usable(kind: Kind) -> &'static str {
    match kind {
        Kind::Register => "set, unset, set_if_absent or replace",
        Kind::Counter => "increment, decrement or reset",
        Kind::Min => "min",
        Kind::Max => "max",
        Kind::Set => "add_to_set, remove_from_set or clear",
        Kind::List => "append or clear",
        Kind::Flag => "grant, revoke, enter or leave",
        Kind::Visits => "another path: the mesh counts visits by itself",
    }
}
