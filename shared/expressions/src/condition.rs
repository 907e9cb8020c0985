//! A condition: a yes-or-no question about an event and its profile.

use cel::common::types::CelBool;

use crate::compile::{Compiled, ExpressionError};
use crate::failure::Failure;
use crate::reads::ReadPath;
use crate::scope::Scope;
use crate::variables::Variables;

/// A compiled CEL condition. Cheap to evaluate, free to share between threads.
#[derive(Debug, Clone)]
pub struct Condition(Compiled);

/// What a condition says about one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The condition holds.
    True,
    /// The condition does not hold.
    False,
    /// A path it reads is absent, which counts as not holding.
    Missing {
        /// The absent path as it is written in the condition, like `profile.purchases.count`.
        what: String,
    },
    /// It could not be decided: the values do not fit the operators, or the result is no boolean. Counts as
    /// not holding. The reason names types, never values: it may be logged.
    Failed {
        /// Why, in words.
        reason: String,
    },
}

impl Condition {
    /// Compiles a condition that sees everything.
    ///
    /// # Errors
    /// What [`ExpressionError`] lists: too long, not CEL, an unknown name or function, nested too deeply.
    pub fn compile(source: &str) -> Result<Condition, ExpressionError> {
        Condition::compile_with(source, Variables::All)
    }

    /// Compiles a condition that sees `variables`.
    ///
    /// # Errors
    /// Those of [`Condition::compile`]; also for a name that is not one of `variables`.
    pub fn compile_with(source: &str, variables: Variables) -> Result<Condition, ExpressionError> {
        Compiled::compile(source, variables).map(Condition)
    }

    /// Decides the condition over `scope`.
    #[must_use]
    pub fn evaluate(&self, scope: &Scope) -> Verdict {
        let outcome = self.0.evaluate(scope, |value| match value.downcast_ref::<CelBool>() {
            Some(decided) => Ok(*decided.inner()),
            None => Err(Failure::other(format!(
                "a condition must give true or false, this one gives a {}",
                crate::failure::type_name(value)
            ))),
        });
        match outcome {
            Ok(true) => Verdict::True,
            Ok(false) => Verdict::False,
            Err(Failure::Missing { what }) => Verdict::Missing { what },
            Err(Failure::Other { reason }) => Verdict::Failed { reason },
        }
    }

    /// The text it was compiled from.
    #[must_use]
    pub fn source(&self) -> &str {
        self.0.source()
    }

    /// The paths that it reads, in order of appearance.
    #[must_use]
    pub fn reads(&self) -> &[ReadPath] {
        self.0.reads()
    }
}

impl Verdict {
    /// Whether the condition holds; an undecided one does not.
    #[must_use]
    pub fn holds(&self) -> bool {
        *self == Verdict::True
    }
}

#[cfg(test)]
mod tests;
