//! The elements of an object, always in the same order.
//!
//! The interpreter keeps objects as hash maps and walks them in whatever order they happen to lie, another one for every
//! evaluation: `event.properties.map(k, k)` would give another list on a retry. So what a loop runs over is
//! first handed to a function of our own, which makes the sorted list of its keys of an object, and leaves lists alone.
//! Its name cannot be written in CEL source.

use cel::common::ast::{CallExpr, Expr, IdedExpr};
use cel::common::types::{CelInt, CelList, CelMap, DYN_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{Env, ExecutionError};

use crate::work;

/// The elements of a list or the sorted keys of an object, at the cost of visiting them, and of as many steps for each as the
/// second argument says.
pub(crate) const ELEMENTS: &str = "@elements";

/// Puts the function around what a loop runs over.
pub(crate) fn make_ordered(expression: &mut IdedExpr) {
    let Expr::Comprehension(each) = &mut expression.expr else { return };
    let range = std::mem::take(&mut each.iter_range);
    let id = range.id;
    let call = CallExpr { func_name: ELEMENTS.to_string(), target: None, args: vec![range] };
    each.iter_range = IdedExpr { id, expr: Expr::Call(call) };
}

/// Declares the function in `env`.
pub(crate) fn declare(env: &mut Env) {
    env.add_overload(ELEMENTS, ELEMENTS, vec![DYN_TYPE, DYN_TYPE], elements)
        .expect("the name holds an @, so nothing else can have declared it");
}

fn elements<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let count = args.len();
    let [range, steps] = <[CowVal<'b, 'v>; 2]>::try_from(args)
        .map_err(|_| ExecutionError::InvalidArgumentCount { expected: 2, actual: count })?;
    let steps = steps.downcast_ref::<CelInt>().and_then(|steps| usize::try_from(*steps.inner()).ok());
    let steps = steps.unwrap_or(usize::MAX);
    if let Some(list) = range.downcast_ref::<CelList<'_>>() {
        work::charge(list.inner().len().saturating_mul(steps))?;
        // Each element is copied.
        work::charge_all(range.as_ref())?;
    }
    let Some(map) = range.downcast_ref::<CelMap<'_>>() else { return Ok(range) };
    work::charge(map.inner().len().saturating_mul(steps))?;
    map.inner().keys().try_for_each(|key| work::charge_all(key.inner()))?;
    let mut keys: Vec<_> = map.inner().keys().cloned().collect();
    keys.sort_unstable();
    let keys: Vec<Box<dyn Val>> =
        keys.into_iter().map(|key| key.into_static().inner().clone_as_boxed()).collect();
    Ok(CowVal::owned(CelList::from(keys)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{EvaluationError, Expression, Scope};

    fn evaluate(source: &str) -> Result<Value, EvaluationError> {
        let fields: serde_json::Map<String, Value> =
            (0..40).map(|n| (format!("k{n:02}"), json!(n))).collect();
        let scope = Scope::of_event(&json!({"properties": fields}));
        Expression::compile(source).expect("it compiles").evaluate(&scope)
    }

    #[test]
    fn loops_over_objects_run_in_the_order_of_names() {
        let names: Vec<String> = (0..40).map(|n| format!("k{n:02}")).collect();
        assert_eq!(evaluate("event.properties.map(k, k)"), Ok(json!(names)));
        assert_eq!(evaluate("event.properties.filter(k, k < 'k02')"), Ok(json!(["k00", "k01"])));
        assert_eq!(evaluate("event.properties.exists(k, event.properties[k] == 39)"), Ok(json!(true)));
        assert_eq!(evaluate("[3, 1, 2].map(n, n)"), Ok(json!([3, 1, 2])));
    }

    #[test]
    fn an_object_is_not_added_to_a_list() {
        let reason = "+ does not work on a list and a map".to_string();
        assert_eq!(evaluate("['a'] + event.properties"), Err(EvaluationError::Failed { reason }));
    }
}
