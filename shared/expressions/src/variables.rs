//! Which names a text may use.

/// What an expression, condition or template sees, beyond the names that it binds itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variables {
    /// `event` alone: for what must be a function of the event, like a mapping.
    Event,
    /// `event`, `profile`, `session` and `now`.
    All,
    /// What a run of a workflow sees: all of these, and `memory`, what its nodes have found out.
    Run,
}

impl Variables {
    /// The names.
    #[must_use]
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Variables::Event => &["event"],
            Variables::All => &["event", "profile", "session", "now"],
            Variables::Run => &["event", "profile", "session", "memory", "now"],
        }
    }

    /// Whether `name` is none of them, but would be one elsewhere.
    pub(crate) fn hides(self, name: &str) -> bool {
        !self.names().contains(&name) && Variables::Run.names().contains(&name)
    }

    /// Why a name that it hides cannot be used.
    pub(crate) fn hidden_why(self) -> &'static str {
        match self {
            Variables::Event => "a mapping sees the event only; decide about profiles in a workflow",
            Variables::All | Variables::Run => {
                "what nodes remember is known to the nodes of a workflow alone"
            }
        }
    }

    /// The names as they stand in a sentence.
    pub(crate) fn listed(self) -> &'static str {
        match self {
            Variables::Event => "event",
            Variables::All => "event, profile, session and now",
            Variables::Run => "event, profile, session, memory and now",
        }
    }
}
