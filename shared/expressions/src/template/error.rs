//! Why a template is refused at load.

use crate::compile::MAX_SOURCE_BYTES;
use crate::spelling::did_you_mean;
use crate::variables::Variables;

/// Why a template was refused at load. Lines are those of the template, from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Nothing but white space.
    #[error("the template is empty")]
    Empty,
    /// Longer than an expression may be.
    #[error("the template has {bytes} bytes, at most {MAX_SOURCE_BYTES} are allowed")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// It is not a template.
    #[error("not a template: {reason} (in line {line})")]
    Syntax {
        /// The line.
        line: usize,
        /// What is wrong, in plain words.
        reason: String,
    },
    /// A name that no scope has.
    #[error(
        "unknown name {name} (in line {line}): a template can use {}{}",
        .variables.listed(),
        did_you_mean(name, .variables.names().iter().copied())
    )]
    UnknownName {
        /// The line.
        line: usize,
        /// The name.
        name: String,
        /// What it can use.
        variables: Variables,
    },
    /// A name that others may use.
    #[error("{name} cannot be used here (line {line}): {}", .variables.hidden_why())]
    Hidden {
        /// The line.
        line: usize,
        /// The name.
        name: String,
        /// What can be used instead.
        variables: Variables,
    },
    /// A filter or a test that is not among the ones there are.
    #[error(
        "unknown {what} {name} (in line {line}); there are {}{}",
        .known.join(", "),
        did_you_mean(name, .known.iter().copied())
    )]
    UnknownWord {
        /// The line.
        line: usize,
        /// Filter or test.
        what: &'static str,
        /// The word.
        name: String,
        /// Those there are.
        known: &'static [&'static str],
    },
    /// Something of the language that has no use here.
    #[error("{what} cannot be used in a template (line {line})")]
    Unsupported {
        /// The line.
        line: usize,
        /// What it is.
        what: &'static str,
    },
    /// The parser itself failed.
    #[error("the template cannot be read")]
    Unreadable,
}

impl TemplateError {
    pub(super) fn syntax(error: &minijinja::Error) -> TemplateError {
        let reason = super::syntax::words(error.detail().unwrap_or_default());
        TemplateError::Syntax { line: error.line().unwrap_or(1), reason }
    }
}
