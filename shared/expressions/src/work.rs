//! How much one evaluation may do.
//!
//! The interpreter counts nothing: two loops inside each other over a list of a client's making would keep a worker for
//! minutes. So every place of an expression whose cost depends on data is given a function of our own (`charge.rs`), which
//! takes that cost away from what the evaluation has left, before the cost arises. When nothing is left every such
//! function fails, and so does the whole evaluation, also where CEL would forgive an error beside a `true`.

use std::cell::RefCell;
use std::sync::Arc;

use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelInt, CelList, CelMap, CelOptional, CelString, DYN_TYPE,
};
use cel::common::value::{CowVal, Val};
use cel::{Env, ExecutionError, Value};
use regex::Regex;

/// What one evaluation may cost, in steps: the visit of a node of the expression, or of a value of the data, or
/// [`STEP_BYTES`] of a text. A step takes some 100 ns at most.
pub const MAX_STEPS: usize = 500_000;
/// What all evaluations over one scope may cost together, in steps of some 100 ns: an event has many.
pub const MAX_SCOPE_STEPS: usize = 20 * MAX_STEPS;
/// How much of a text is handled in one step.
pub(crate) const STEP_BYTES: usize = 64;
/// How much of a text a pattern is matched with in one step.
const PATTERN_STEP_BYTES: usize = 8;

/// Fails when nothing is left, and passes its argument on.
pub(crate) const GO: &str = "@go";
/// Passes its argument on at the cost of all that it holds.
pub(crate) const WEIGHED: &str = "@weighed";
/// Passes its argument on, at the cost of all that it holds if it is a list.
pub(crate) const LIST: &str = "@list";
/// Passes its argument on, at the cost of its length if it is a text.
pub(crate) const TEXT: &str = "@text";
/// Passes an index on, if it is whole: what the interpreter says of another one holds a copy of the list.
pub(crate) const WHOLE: &str = "@whole";
/// Whether the text that is its first argument matches the pattern whose number is the second.
pub(crate) const MATCHES: &str = "@matches";

struct Work {
    left: usize,
    exhausted: bool,
    patterns: Option<Arc<[Regex]>>,
}

thread_local! {
    /// The evaluation under way on this thread: functions of CEL are given their arguments and nothing else.
    static WORK: RefCell<Work> = const { RefCell::new(Work { left: 0, exhausted: false, patterns: None }) };
}

/// Evaluates with at most `steps`, [`MAX_STEPS`] and `patterns`. Returns how many steps it took too; `None` when they were
/// not enough, whatever came out.
pub(crate) fn bounded<T>(
    steps: usize,
    patterns: Option<Arc<[Regex]>>,
    evaluate: impl FnOnce() -> T,
) -> (Option<T>, usize) {
    let steps = steps.min(MAX_STEPS);
    WORK.with(|work| *work.borrow_mut() = Work { left: steps, exhausted: false, patterns });
    let outcome = evaluate();
    WORK.with(|work| {
        let mut work = work.borrow_mut();
        work.patterns = None;
        ((!work.exhausted).then_some(outcome), steps - work.left)
    })
}

/// Takes `steps` away from what is left.
pub(crate) fn charge(steps: usize) -> Result<(), ExecutionError> {
    let is_enough = WORK.with(|work| {
        let mut work = work.borrow_mut();
        match work.left.checked_sub(steps) {
            Some(left) if !work.exhausted => work.left = left,
            _ => (work.left, work.exhausted) = (0, true),
        }
        !work.exhausted
    });
    if is_enough { Ok(()) } else { Err(exhausted()) }
}

/// Takes away what a visit of everything in `value` costs. Itself does no more than that.
pub(crate) fn charge_all(value: &dyn Val) -> Result<(), ExecutionError> {
    charge(0)?;
    let left = WORK.with(|work| work.borrow().left);
    charge(weight(value, left.saturating_add(1)))
}

/// How many steps everything in `value` takes; looks no further than `enough`.
fn weight(value: &dyn Val, enough: usize) -> usize {
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return 1 + text.inner().len() / STEP_BYTES;
    }
    if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        return sum(list.inner().iter().map(AsRef::as_ref), enough);
    }
    if let Some(map) = value.downcast_ref::<CelMap<'_>>() {
        return sum(map.inner().iter().flat_map(|(key, value)| [key.inner(), value.as_ref()]), enough);
    }
    if let Some(optional) = value.downcast_ref::<CelOptional<'_>>() {
        return sum(optional.option().into_iter(), enough);
    }
    1 + value.downcast_ref::<CelBytes<'_>>().map_or(0, |bytes| bytes.inner().len() / STEP_BYTES)
}

fn sum<'b, 'v: 'b>(values: impl Iterator<Item = &'b (dyn Val + 'v)>, enough: usize) -> usize {
    let mut sum = 1;
    for value in values {
        if sum >= enough {
            break;
        }
        sum += weight(value, enough - sum);
    }
    sum
}

fn exhausted() -> ExecutionError {
    ExecutionError::InternalError("too much work".to_string())
}

/// Declares the functions in `env`.
pub(crate) fn declare(env: &mut Env) {
    let of_one: [(&str, cel::common::functions::Function); 5] =
        [(GO, go), (WEIGHED, weighed), (LIST, list), (TEXT, text), (WHOLE, whole)];
    let all =
        of_one.map(|(name, operation)| (name, 1, operation)).into_iter().chain([(MATCHES, 2, matches as _)]);
    for (name, arguments, operation) in all {
        let types = (0..arguments).map(|_| DYN_TYPE).collect();
        env.add_overload(name, name, types, operation)
            .expect("the names hold an @, so nothing else can have declared them");
    }
}

fn go<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    charge(0)?;
    only(args)
}

fn weighed<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = only(args)?;
    charge_all(value.as_ref())?;
    Ok(value)
}

fn list<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = only(args)?;
    if value.downcast_ref::<CelList<'_>>().is_some() {
        charge_all(value.as_ref())?;
    }
    Ok(value)
}

fn text<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = only(args)?;
    charge(value.downcast_ref::<CelString<'_>>().map_or(1, |text| 1 + text.inner().len() / STEP_BYTES))?;
    Ok(value)
}

fn whole<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = only(args)?;
    match value.downcast_ref::<CelDouble>().map(|index| *index.inner()) {
        Some(index) if index.fract() != 0.0 || !index.is_finite() => {
            Err(ExecutionError::UnsupportedIndex(Value::Float(index), Value::Null))
        }
        _ => Ok(value),
    }
}

fn matches<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let count = args.len();
    let [text, number] = <[CowVal<'b, 'v>; 2]>::try_from(args)
        .map_err(|_| ExecutionError::InvalidArgumentCount { expected: 2, actual: count })?;
    let Some(text) = text.downcast_ref::<CelString<'_>>() else {
        let types = vec![text.get_type().name().to_owned(), "string".to_owned()];
        return Err(ExecutionError::no_such_overload("matches", types));
    };
    charge(1 + text.inner().len() / PATTERN_STEP_BYTES)?;
    let number = number.downcast_ref::<CelInt>().and_then(|number| usize::try_from(*number.inner()).ok());
    let patterns = WORK.with(|work| work.borrow().patterns.clone());
    let pattern = number.and_then(|number| patterns.as_ref()?.get(number));
    let pattern = pattern.ok_or_else(|| ExecutionError::InternalError("no such pattern".to_string()))?;
    Ok(CowVal::owned(CelBool::from(pattern.is_match(text.inner()))))
}

fn only<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let count = args.len();
    let [value] = <[CowVal<'b, 'v>; 1]>::try_from(args)
        .map_err(|_| ExecutionError::InvalidArgumentCount { expected: 1, actual: count })?;
    Ok(value)
}

#[cfg(test)]
mod tests;
