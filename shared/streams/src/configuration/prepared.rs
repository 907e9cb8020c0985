//! What a stage makes of a published revision.

/// A revision made ready to run. What is wrong with a part of it keeps nothing from running: it stands among the problems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared<T> {
    /// The revision's name, such as `12-3fa9c1d2`; reported with its number.
    pub revision: String,
    /// What the stage runs.
    pub value: T,
    /// What of it cannot be used yet, a line each, beginning with the tenant: `demo: Source app: …`. As long as there is
    /// one the revision is prepared again every second, so that it mends by itself: that has to be cheap. No line holds a
    /// secret.
    pub problems: Vec<String>,
}

impl<T> Prepared<T> {
    /// One that is whole.
    pub fn whole(revision: impl Into<String>, value: T) -> Self {
        Self { revision: revision.into(), value, problems: Vec::new() }
    }
}
