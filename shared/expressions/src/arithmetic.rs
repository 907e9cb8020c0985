//! Arithmetic between data and literals.
//!
//! CEL refuses `30.0 * 2`: doubles and ints do not mix, and its operators cannot be given further overloads.
//! Data numbers are all doubles here, and people write `* 2`. So `+ - * / %` of a compiled expression are
//! replaced by calls of functions of our own, which turn an int beside a double into a double and then use
//! CEL's operator. Their names cannot be written in CEL source.

use cel::common::ast::{Expr, IdedExpr};
use cel::common::types::{CelDouble, CelInt, CelMap, CelUInt, DYN_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{Env, ExecutionError, Value};

use crate::work;

/// Operator in the syntax tree, the function that replaces it, how people write it.
const OPERATORS: [(&str, &str, &str); 5] = [
    ("_+_", "@add", "+"),
    ("_-_", "@subtract", "-"),
    ("_*_", "@multiply", "*"),
    ("_/_", "@divide", "/"),
    ("_%_", "@remainder", "%"),
];

/// Replaces the arithmetic operators in `expression`.
pub(crate) fn make_mixed(expression: &mut IdedExpr) {
    let Expr::Call(call) = &mut expression.expr else { return };
    if call.target.is_some() || call.args.len() != 2 || is_accumulator(&call.args[0]) {
        return;
    }
    if let Some((_, function, _)) = OPERATORS.iter().find(|(op, ..)| *op == call.func_name) {
        call.func_name = (*function).to_string();
    }
}

/// The running result of a `map` or `filter`: the interpreter recognises that addition by its shape and
/// appends in place, so it must stay as it is.
fn is_accumulator(operand: &IdedExpr) -> bool {
    matches!(&operand.expr, Expr::Ident(name) if name.starts_with('@'))
}

/// How people write the operator that became `function`.
pub(crate) fn written_as(function: &str) -> Option<&'static str> {
    OPERATORS.iter().find(|(_, name, _)| *name == function).map(|(.., written)| *written)
}

/// Declares the replacing functions in `env`.
pub(crate) fn declare(env: &mut Env) {
    let operations: [cel::common::functions::Function; 5] = [add, subtract, multiply, divide, remainder];
    for ((_, name, _), operation) in OPERATORS.iter().zip(operations) {
        env.add_overload(name, name, vec![DYN_TYPE, DYN_TYPE], operation)
            .expect("the names hold an @, so nothing else can have declared them");
    }
}

fn add<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [a, b] = same_type(args)?;
    // The interpreter would add the keys of an object to a list, which CEL knows nothing of.
    let is_object = |of: &CowVal<'_, '_>| of.downcast_ref::<CelMap<'_>>().is_some();
    if is_object(&a) || is_object(&b) {
        return Err(no_operator("add", &a, &b));
    }
    let adder = a.as_adder().ok_or_else(|| no_operator("add", &a, &b))?;
    Ok(CowVal::Owned(adder.add(b.as_ref())?.into_owned()))
}

fn subtract<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [a, b] = same_type(args)?;
    let subtractor = a.as_subtractor().ok_or_else(|| no_operator("sub", &a, &b))?;
    Ok(CowVal::Owned(subtractor.sub(b.as_ref())?.into_owned()))
}

fn multiply<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [a, b] = same_type(args)?;
    let multiplier = a.as_multiplier().ok_or_else(|| no_operator("mul", &a, &b))?;
    Ok(CowVal::Owned(multiplier.mul(b.as_ref())?.into_owned()))
}

fn divide<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [a, b] = same_type(args)?;
    let divider = a.as_divider().ok_or_else(|| no_operator("div", &a, &b))?;
    Ok(CowVal::Owned(divider.div(b.as_ref())?.into_owned()))
}

fn remainder<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [a, b] = same_type(args)?;
    if let (Some(x), Some(y)) = (a.downcast_ref::<CelDouble>(), b.downcast_ref::<CelDouble>()) {
        if *y.inner() == 0.0 {
            return Err(ExecutionError::RemainderByZero(Value::Float(*x.inner())));
        }
        return Ok(CowVal::owned(CelDouble::from(*x.inner() % *y.inner())));
    }
    let modder = a.as_modder().ok_or_else(|| no_operator("rem", &a, &b))?;
    Ok(CowVal::Owned(modder.modulo(b.as_ref())?.into_owned()))
}

/// The two operands, charged for, an int beside a double turned into a double.
fn same_type<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<[CowVal<'b, 'v>; 2], ExecutionError> {
    let count = args.len();
    let [a, b] = <[CowVal<'b, 'v>; 2]>::try_from(args)
        .map_err(|_| ExecutionError::InvalidArgumentCount { expected: 2, actual: count })?;
    // A sum of texts or lists holds them both, and an error holds copies of them too.
    work::charge_all(a.as_ref())?;
    work::charge_all(b.as_ref())?;
    let a_is_double = a.downcast_ref::<CelDouble>().is_some();
    let b_is_double = b.downcast_ref::<CelDouble>().is_some();
    Ok(match (a_is_double, b_is_double) {
        (true, false) => {
            let b = widened(b);
            [a, b]
        }
        (false, true) => {
            let a = widened(a);
            [a, b]
        }
        _ => [a, b],
    })
}

fn widened<'b, 'v>(value: CowVal<'b, 'v>) -> CowVal<'b, 'v> {
    let as_double = match (value.downcast_ref::<CelInt>(), value.downcast_ref::<CelUInt>()) {
        (Some(int), _) => *int.inner() as f64,
        (_, Some(uint)) => *uint.inner() as f64,
        _ => return value,
    };
    CowVal::owned(CelDouble::from(as_double))
}

fn no_operator(operator: &'static str, a: &CowVal<'_, '_>, b: &CowVal<'_, '_>) -> ExecutionError {
    let value = |of: &dyn Val| Value::try_from(of).unwrap_or(Value::Null);
    ExecutionError::UnsupportedBinaryOperator(operator, value(a.as_ref()), value(b.as_ref()))
}
