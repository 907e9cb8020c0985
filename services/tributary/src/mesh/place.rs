//! Where calls go and what they show, for what is said of those that fail.

use std::fmt;

/// An address, and where the keys that calls show there were found.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) url: String,
    keys: String,
}

impl Place {
    pub(super) fn new(url: String, keys: String) -> Place {
        Place { url, keys }
    }

    /// Such as `TRIBUTARY_ADMIN_KEY of the environment`; never a key itself.
    pub(crate) fn keys(&self) -> &str {
        &self.keys
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

#[cfg(test)]
impl Place {
    /// Somewhere, with a key that was set for a test.
    pub(crate) fn of(url: &str) -> Place {
        Place::new(url.to_owned(), "TRIBUTARY_ADMIN_KEY of the environment".to_owned())
    }
}
