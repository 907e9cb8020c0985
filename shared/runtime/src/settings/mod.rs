//! Settings, read from the environment once, at start, and passed on as values.
//!
//! What all stages must agree on is [`SharedSettings`]; what belongs to one stage is its own type, read by
//! [`load_stage`]. Neither ever says a secret's value, in an error or in `Debug`.

mod shared;
mod stage;

pub use shared::{Durability, SharedSettings};
pub use stage::{load_stage, stage_from};

/// Every setting that is missing or wrong, found in one pass so that nobody fixes them one restart at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    problems: Vec<(String, String)>,
}

impl SettingsError {
    /// An error about one environment variable, for a stage's own rules between settings.
    pub fn of(variable: impl Into<String>, complaint: impl Into<String>) -> Self {
        Self { problems: vec![(variable.into(), complaint.into())] }
    }

    /// Variable and complaint of each problem, in the order in which they were found.
    pub fn problems(&self) -> impl Iterator<Item = (&str, &str)> {
        self.problems.iter().map(|(variable, complaint)| (variable.as_str(), complaint.as_str()))
    }

    fn check(problems: Vec<(String, String)>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self { problems }) }
    }
}

impl std::error::Error for SettingsError {}

impl std::fmt::Display for SettingsError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "settings in the environment are missing or wrong:")?;
        for (variable, complaint) in &self.problems {
            write!(out, "\n  {variable} {complaint}")?;
        }
        Ok(())
    }
}
