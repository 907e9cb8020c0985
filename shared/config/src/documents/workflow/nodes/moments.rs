//! What the kinds that wait have in common.

use std::time::Duration;

use tributary_engine::{Step, Turn};
use tributary_expressions::Expression;
use tributary_model::Time;

use crate::at::At;
use crate::change::Conversion;

/// The shortest duration that is worth writing.
pub(super) const SHORTEST: Duration = Duration::from_millis(1);

/// The moment that an expression gives, in any form that `as: time` takes; else why there is none.
pub(super) fn computed(
    what: &str,
    expression: &At<Expression>,
    turn: &mut Turn<'_, '_>,
) -> Result<Time, String> {
    let value = turn.compute(&expression.value).map_err(|error| format!("{what}: {error}"))?;
    let converted = Conversion::Time.apply(&value).map_err(|reason| format!("{what}: {reason}"))?;
    let text = converted.as_str().expect("a time is converted to its text");
    Ok(text.parse().expect("a converted time is one"))
}

/// The step of a node that is told what it never asked for.
pub(super) fn not_waited_for() -> Step {
    Step::Fail("the node was told what it does not wait for: the run's state is not this workflow's".into())
}
