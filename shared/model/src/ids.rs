//! Names of things: who, what, where in a stream, in which partition.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// The most bytes that an id may have.
const MAX_BYTES: usize = 128;

/// Why a text is not an id. The text itself is not repeated: it may be personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("an id cannot be empty")]
    Empty,
    /// Longer than 128 bytes.
    #[error("an id has at most 128 bytes, this one has {bytes}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// Holds a control character.
    #[error("an id cannot hold control characters")]
    Control,
}

fn checked(text: String) -> Result<String, IdError> {
    match text.len() {
        0 => Err(IdError::Empty),
        bytes if bytes > MAX_BYTES => Err(IdError::TooLong { bytes }),
        _ if text.chars().any(char::is_control) => Err(IdError::Control),
        _ => Ok(text),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes 1 to 128 bytes without control characters.
            ///
            /// # Errors
            /// Anything else is refused with the reason.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                checked(text.into()).map(Self)
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

id!(
    /// Who owns data.
    TenantId
);
id!(
    /// The name of a source: where payloads come from.
    SourceName
);
id!(
    /// One profile id; what is recorded under it is a member of a profile.
    ProfileId
);
id!(
    /// What the client calls a session.
    SessionId
);
id!(
    /// One event, unique within its tenant.
    EventId
);

impl EventId {
    /// For ids that are made here and are known to fit.
    pub(crate) fn made(text: String) -> Self {
        Self(text)
    }
}

impl ProfileId {
    /// For ids that are made here and are known to fit.
    pub(crate) fn made(text: String) -> Self {
        Self(text)
    }
}

/// The version of a state: the position of the newest change folded in.
pub type Version = StreamId;

/// A position in a stream; greater is later. The default, `0-0`, is before every entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamId {
    /// Milliseconds since 1970 when the entry was made.
    pub ms: u64,
    /// Counts entries within a millisecond.
    pub seq: u64,
}

/// A text is not a stream position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a stream position looks like 1700000000000-0")]
pub struct StreamIdError;

impl StreamId {
    /// After every entry that a stream can hold.
    pub const MAX: Self = Self { ms: u64::MAX, seq: u64::MAX };

    /// The position `ms-seq`.
    pub const fn new(ms: u64, seq: u64) -> Self {
        Self { ms, seq }
    }

    /// Text of fixed width whose bytewise order is the positions' order, for positions that a stream makes by itself
    /// (milliseconds below 10¹⁵, sequence numbers below 10¹⁰).
    pub fn sortable(&self) -> String {
        format!("{:015}-{:010}", self.ms, self.seq)
    }

    /// Reads what [`Self::sortable`] wrote.
    ///
    /// # Errors
    /// Refuses text of another form.
    pub fn from_sortable(text: &str) -> Result<Self, StreamIdError> {
        let id: Self = text.parse()?;
        if id.sortable() == text { Ok(id) } else { Err(StreamIdError) }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

impl FromStr for StreamId {
    type Err = StreamIdError;
    fn from_str(text: &str) -> Result<Self, StreamIdError> {
        let number = |digits: &str| {
            // `parse` alone would take a sign.
            if digits.bytes().all(|b| b.is_ascii_digit()) {
                digits.parse().map_err(|_| StreamIdError)
            } else {
                Err(StreamIdError)
            }
        };
        let (ms, seq) = text.split_once('-').ok_or(StreamIdError)?;
        Ok(Self { ms: number(ms)?, seq: number(seq)? })
    }
}

impl TryFrom<String> for StreamId {
    type Error = StreamIdError;
    fn try_from(text: String) -> Result<Self, StreamIdError> {
        text.parse()
    }
}

impl From<StreamId> for String {
    fn from(id: StreamId) -> String {
        id.to_string()
    }
}

/// One of the deployment's partitions, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartitionId(pub u16);

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The partition of an id (a profile's, or a session's for its binding). Stable for ever: data lies where this says.
/// `partitions` is at least 1; 0 is taken as 1.
pub fn partition_of(tenant: &TenantId, id: &str, partitions: u16) -> PartitionId {
    let mut hash = Sha256::new();
    for part in [tenant.as_str(), id] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    let slot = u64::from_be_bytes(first) % u64::from(partitions.max(1));
    PartitionId(u16::try_from(slot).expect("a remainder of a u16 fits a u16"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_1_to_128_bytes_and_no_control_characters() {
        assert_eq!(EventId::new(""), Err(IdError::Empty));
        assert_eq!(EventId::new("x".repeat(129)), Err(IdError::TooLong { bytes: 129 }));
        assert_eq!(EventId::new("a\nb"), Err(IdError::Control));
        assert_eq!(EventId::new("é".repeat(64)).map(|id| id.as_str().len()), Ok(128));
    }

    #[test]
    fn serde_checks_ids_too() {
        assert!(serde_json::from_str::<ProfileId>("\"\"").is_err());
        assert_eq!(serde_json::to_string(&ProfileId::new("p").unwrap()).unwrap(), "\"p\"");
    }

    #[test]
    fn sortable_positions_sort_as_the_positions_do() {
        let rising = [
            StreamId::new(0, 0),
            StreamId::new(9, 10),
            StreamId::new(10, 9),
            StreamId::new(1_700_000_000_000, 3),
        ];
        let texts: Vec<String> = rising.iter().map(StreamId::sortable).collect();
        assert!(texts.is_sorted());
        assert_eq!(texts[3], "001700000000000-0000000003");
        for (id, text) in rising.iter().zip(&texts) {
            assert_eq!(StreamId::from_sortable(text), Ok(*id));
            assert_eq!(id.to_string().parse(), Ok(*id));
        }
    }

    #[test]
    fn broken_positions_are_refused() {
        for text in ["", "1", "1-", "-1", "+1-1", "a-b", "1-2-3"] {
            assert!(text.parse::<StreamId>().is_err(), "{text}");
        }
        assert!(StreamId::from_sortable("1-2").is_err());
    }

    #[test]
    fn partitions_never_move() {
        let tenant = TenantId::new("acme").unwrap();
        let slots: Vec<u16> =
            ["", "a", "prf_1", "prf_2"].iter().map(|id| partition_of(&tenant, id, 32).0).collect();
        assert_eq!(slots, PINNED);
        assert_eq!(partition_of(&tenant, "a", 0), PartitionId(0));
    }

    const PINNED: [u16; 4] = [9, 19, 1, 11];
}
