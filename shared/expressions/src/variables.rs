//! Which names a text may use.

/// What an expression, condition or template sees, beyond the names that it binds itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variables {
    /// `event` alone: for what must be a function of the event, like a mapping.
    Event,
    /// `event`, `profile`, `session` and `now`.
    All,
}

impl Variables {
    /// The names.
    #[must_use]
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Variables::Event => &["event"],
            Variables::All => &["event", "profile", "session", "now"],
        }
    }

    /// Whether `name` is none of them, but would be one elsewhere.
    pub(crate) fn hides(self, name: &str) -> bool {
        !self.names().contains(&name) && Variables::All.names().contains(&name)
    }

    /// The names as they stand in a sentence.
    pub(crate) fn listed(self) -> &'static str {
        match self {
            Variables::Event => "event",
            Variables::All => "event, profile, session and now",
        }
    }
}
