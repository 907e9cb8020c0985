//! An expression: computes a JSON value from an event and its profile.

use serde_json::Value;

use crate::compile::{Compiled, ExpressionError};
use crate::failure::Failure;
use crate::json;
use crate::reads::ReadPath;
use crate::scope::Scope;
use crate::variables::Variables;

/// A compiled CEL expression. Cheap to evaluate, free to share between threads.
#[derive(Debug, Clone)]
pub struct Expression(Compiled);

/// Why an expression gave no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// A path it reads is absent.
    #[error("{what} is missing")]
    Missing {
        /// The absent path as it is written in the expression.
        what: String,
    },
    /// The values do not fit the operators, or the result is not a JSON value. Names types, never values.
    #[error("{reason}")]
    Failed {
        /// Why, in words.
        reason: String,
    },
}

impl Expression {
    /// Compiles an expression that sees everything.
    ///
    /// # Errors
    /// What [`ExpressionError`] lists: too long, not CEL, an unknown name or function, nested too deeply.
    pub fn compile(source: &str) -> Result<Expression, ExpressionError> {
        Expression::compile_with(source, Variables::All)
    }

    /// Compiles an expression that sees `variables`.
    ///
    /// # Errors
    /// Those of [`Expression::compile`]; also for a name that is not one of `variables`.
    pub fn compile_with(source: &str, variables: Variables) -> Result<Expression, ExpressionError> {
        Compiled::compile(source, variables).map(Expression)
    }

    /// Computes the value over `scope`. Whole numbers come back as integers, timestamps as RFC 3339 text.
    ///
    /// # Errors
    /// [`EvaluationError::Missing`] for an absent path, [`EvaluationError::Failed`] for anything else.
    pub fn evaluate(&self, scope: &Scope) -> Result<Value, EvaluationError> {
        self.0.evaluate(scope, json::from_cel).map_err(|failure| match failure {
            Failure::Missing { what } => EvaluationError::Missing { what },
            Failure::Other { reason } => EvaluationError::Failed { reason },
        })
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scope::tests_support::scope;

    fn evaluate(source: &str) -> Result<Value, EvaluationError> {
        Expression::compile(source).expect("it compiles").evaluate(&scope())
    }

    #[test]
    fn arithmetic_does_not_depend_on_whether_a_number_is_whole() {
        assert_eq!(evaluate("event.properties.value * 2"), Ok(json!(58.66)));
        assert_eq!(evaluate("event.properties.whole * 2"), Ok(json!(60)));
        assert_eq!(evaluate("event.properties.whole / 4"), Ok(json!(7.5)));
        assert_eq!(evaluate("1 + event.properties.whole - 0.5"), Ok(json!(30.5)));
        assert_eq!(evaluate("event.properties.whole % 7"), Ok(json!(2)));
        assert_eq!(evaluate("size(event.properties.tags) + 1"), Ok(json!(3)));
    }

    #[test]
    fn whole_literals_keep_their_own_arithmetic() {
        assert_eq!(evaluate("7 / 2"), Ok(json!(3)));
        assert_eq!(evaluate("7 % 4"), Ok(json!(3)));
        assert_eq!(evaluate("'a' + 'b'"), Ok(json!("ab")));
        assert_eq!(evaluate("[1] + [2]"), Ok(json!([1, 2])));
    }

    #[test]
    fn lists_maps_and_times_become_json() {
        assert_eq!(evaluate("event.properties.tags.map(t, t + '!')"), Ok(json!(["a!", "b!"])));
        assert_eq!(evaluate("{'a': 1, 'b': [true, null]}"), Ok(json!({"a": 1, "b": [true, null]})));
        assert_eq!(evaluate("now"), Ok(json!("2024-05-01T12:00:00Z")));
        assert_eq!(evaluate("now - duration('1h')"), Ok(json!("2024-05-01T11:00:00Z")));
        assert_eq!(evaluate("event"), Ok(scope_event()));
    }

    fn scope_event() -> Value {
        let mut event = crate::scope::tests_support::event();
        event["properties"].as_object_mut().expect("an object").remove("nothing");
        event
    }

    #[test]
    fn an_absent_path_is_named() {
        let missing = |what: &str| Err(EvaluationError::Missing { what: what.into() });
        assert_eq!(evaluate("event.properties.price + 1"), missing("event.properties.price"));
        assert_eq!(evaluate("event.properties.tags[7]"), missing("index 7"));
    }

    #[test]
    fn what_is_no_json_value_is_refused() {
        let failed = |reason: &str| Err(EvaluationError::Failed { reason: reason.into() });
        assert_eq!(
            evaluate("duration('1h')"),
            failed("the result holds a duration, which is not a JSON value; write string(...) around it")
        );
        assert_eq!(evaluate("1.0 / 0.0"), failed("the result holds a number that is not finite"));
        assert_eq!(evaluate("1 / 0"), failed("division by zero"));
        assert_eq!(evaluate("event.properties.whole % 0"), failed("division by zero"));
    }
}
