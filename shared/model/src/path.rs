//! Where a value lies.

use serde::{Deserialize, Serialize};
use std::{borrow::Borrow, fmt, str::FromStr};
use thiserror::Error;

const MAX_PARTS: usize = 32;
const MAX_BYTES: usize = 256;

/// A dotted path such as `traits.name`: 1 to 32 parts, none empty, at most 256 bytes, no control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Path(String);

/// Why a text is not a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PathError {
    /// A part between dots, or the whole, is empty.
    #[error("every part of a path needs a name")]
    EmptyPart,
    /// More than 32 parts.
    #[error("a path has at most 32 parts")]
    TooDeep,
    /// More than 256 bytes.
    #[error("a path has at most 256 bytes")]
    TooLong,
    /// Holds a control character.
    #[error("a path cannot hold control characters")]
    Control,
}

impl Path {
    /// Takes a dotted path.
    ///
    /// # Errors
    /// Anything else is refused with the reason.
    pub fn new(text: impl Into<String>) -> Result<Self, PathError> {
        let text = text.into();
        if text.len() > MAX_BYTES {
            Err(PathError::TooLong)
        } else if text.split('.').any(str::is_empty) {
            Err(PathError::EmptyPart)
        } else if text.split('.').count() > MAX_PARTS {
            Err(PathError::TooDeep)
        } else if text.chars().any(char::is_control) {
            Err(PathError::Control)
        } else {
            Ok(Self(text))
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names between the dots.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }

    /// The path one step below, or several steps if the name has dots.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn child(&self, name: &str) -> Result<Self, PathError> {
        Self::new(format!("{}.{name}", self.0))
    }

    /// Whether this path lies strictly below the other.
    pub fn is_below(&self, above: &str) -> bool {
        self.0.strip_prefix(above).is_some_and(|rest| rest.starts_with('.'))
    }
}

/// The strict ancestors of a dotted path, shortest first.
pub(crate) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('.').map(|(dot, _)| &path[..dot])
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Path {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Path {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for Path {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::new(text)
    }
}

impl TryFrom<String> for Path {
    type Error = PathError;
    fn try_from(text: String) -> Result<Self, PathError> {
        Self::new(text)
    }
}

impl From<Path> for String {
    fn from(path: Path) -> String {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        Path::new(text).unwrap()
    }

    #[test]
    fn a_path_has_named_parts_and_bounds() {
        assert_eq!(Path::new(""), Err(PathError::EmptyPart));
        assert_eq!(Path::new("a..b"), Err(PathError::EmptyPart));
        assert_eq!(Path::new(["a"; 33].join(".")), Err(PathError::TooDeep));
        assert_eq!(Path::new("a".repeat(257)), Err(PathError::TooLong));
        assert_eq!(Path::new("a\t"), Err(PathError::Control));
        assert!(Path::new(["a"; 32].join(".")).is_ok());
        assert!(path("a.b").is_below("a") && !path("ab").is_below("a"));
    }
}
