//! Puts the functions of `work.rs` into a parsed expression, wherever its cost depends on data.

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::common::types::CelInt;
use regex::{Regex, RegexBuilder};

use crate::checks::children;
use crate::compile::ExpressionError;
use crate::order::ELEMENTS;
use crate::work::{GO, LIST, MATCHES, STEP_BYTES, TEXT, WEIGHED, WHOLE};

/// The most patterns of an expression.
const MAX_PATTERNS: usize = 8;
/// The largest compiled pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 256 << 10;

/// Operators that cost the same whatever they are given, and functions of our own that charge by themselves.
const FREE: [&str; 13] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::NOT_STRICTLY_FALSE,
    operators::NEGATE,
    // The running result of a `map` or `filter`: what is added to it is charged as the element of a list.
    operators::ADD,
    ELEMENTS,
    "@add",
    "@subtract",
    "@multiply",
    "@divide",
    "@remainder",
];

/// Functions that look at texts, and at the size of anything else.
const OF_TEXTS: [&str; 4] = ["size", "contains", "startsWith", "endsWith"];

const COMPARISONS: [&str; 6] = [
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::LESS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::GREATER_EQUALS,
];

/// Changes `expression` so that it is charged for what it does, and returns the patterns that it matches texts with.
pub(crate) fn make_charged(expression: &mut IdedExpr) -> Result<Vec<Regex>, ExpressionError> {
    let mut patterns = Vec::new();
    walk(expression, &mut patterns)?;
    Ok(patterns)
}

fn walk(node: &mut IdedExpr, patterns: &mut Vec<Regex>) -> Result<(), ExpressionError> {
    match &mut node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) => {}
        Expr::Select(select) => walk(&mut select.operand, patterns)?,
        Expr::List(list) => {
            for element in &mut list.elements {
                walk(element, patterns)?;
                wrap(element, WEIGHED);
            }
        }
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    for part in [&mut entry.key, &mut entry.value] {
                        walk(part, patterns)?;
                        wrap(part, WEIGHED);
                    }
                }
            }
        }
        Expr::Comprehension(each) => {
            let each = &mut **each;
            for part in [
                &mut each.iter_range,
                &mut each.accu_init,
                &mut each.loop_cond,
                &mut each.loop_step,
                &mut each.result,
            ] {
                walk(part, patterns)?;
            }
            let steps = nodes(&each.loop_cond) + nodes(&each.loop_step);
            if let Expr::Call(range) = &mut each.iter_range.expr {
                range.args.push(number(steps));
            }
        }
        Expr::Call(call) => {
            let is_namespace =
                |target: &IdedExpr| matches!(&target.expr, Expr::Ident(name) if name == "optional");
            if let Some(target) = call.target.as_deref_mut().filter(|target| !is_namespace(target)) {
                walk(target, patterns)?;
            }
            call.args.iter_mut().try_for_each(|arg| walk(arg, patterns))?;
            if call.func_name == "matches" {
                return matching(call, patterns);
            }
            of_call(call);
            if [operators::OPT_SELECT, operators::OPT_INDEX].contains(&call.func_name.as_str()) {
                wrap(node, WEIGHED);
            }
        }
    }
    Ok(())
}

fn of_call(call: &mut CallExpr) {
    let CallExpr { func_name, target, args } = call;
    match (func_name.as_str(), &mut args[..]) {
        (name, _) if FREE.contains(&name) => {}
        // As much as the smaller one holds at most.
        (name, [left, right]) if COMPARISONS.contains(&name) => {
            if !is_literal(right) {
                wrap(left, WEIGHED);
            }
        }
        (operators::IN, [_, container]) => wrap(container, LIST),
        (operators::INDEX, [_, index]) => wrap(index, WHOLE),
        // They copy what they find.
        (operators::OPT_SELECT | operators::OPT_INDEX, [operand, ..]) => wrap(operand, GO),
        (name, args) => {
            let function = if OF_TEXTS.contains(&name) { TEXT } else { WEIGHED };
            let target = target.as_deref_mut();
            let is_namespace =
                |target: &&mut IdedExpr| matches!(&target.expr, Expr::Ident(name) if name == "optional");
            target
                .filter(|target| !is_namespace(target))
                .into_iter()
                .for_each(|target| wrap(target, function));
            args.iter_mut().for_each(|arg| wrap(arg, function));
        }
    }
}

/// Reads the pattern of a `matches` once and for all: the interpreter would do it for each text.
fn matching(call: &mut CallExpr, patterns: &mut Vec<Regex>) -> Result<(), ExpressionError> {
    let mut operands = std::mem::take(&mut call.args);
    operands.splice(0..0, call.target.take().map(|target| *target));
    let [text, pattern] = <[IdedExpr; 2]>::try_from(operands)
        .map_err(|_| ExpressionError::Pattern { reason: "it takes a text and a pattern".to_string() })?;
    let Expr::Literal(LiteralValue::String(pattern)) = &pattern.expr else {
        let reason = "the pattern must be written out, as in matches('^[a-z]+$')".to_string();
        return Err(ExpressionError::Pattern { reason });
    };
    if patterns.len() == MAX_PATTERNS {
        let reason = format!("at most {MAX_PATTERNS} patterns may be used in one expression");
        return Err(ExpressionError::Pattern { reason });
    }
    let compiled = RegexBuilder::new(pattern.inner())
        .size_limit(MAX_PATTERN_BYTES)
        .dfa_size_limit(MAX_PATTERN_BYTES)
        .build()
        .map_err(|error| ExpressionError::Pattern { reason: told(&error) })?;
    call.func_name = MATCHES.to_string();
    call.args = vec![text, number(patterns.len())];
    patterns.push(compiled);
    Ok(())
}

/// The last line of what the library says: those before it draw the pattern.
fn told(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large".to_string(),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.strip_prefix("error: ").unwrap_or(last).to_string()
        }
    }
}

/// Puts `function` around `node`, unless the text of the expression says what `node` costs.
fn wrap(node: &mut IdedExpr, function: &str) {
    let is_wrapped =
        matches!(&node.expr, Expr::Call(call) if [GO, WEIGHED, TEXT].contains(&call.func_name.as_str()));
    if is_literal(node) || is_wrapped {
        return;
    }
    let inner = std::mem::take(node);
    let id = inner.id;
    let call = CallExpr { func_name: function.to_string(), target: None, args: vec![inner] };
    *node = IdedExpr { id, expr: Expr::Call(call) };
}

fn is_literal(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Literal(_))
}

fn number(number: usize) -> IdedExpr {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::Int(CelInt::from(number))) }
}

/// How many steps one evaluation of `node` takes, without what is charged for apart.
pub(crate) fn nodes(node: &IdedExpr) -> usize {
    let own = match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => 1 + text.inner().len() / STEP_BYTES,
        _ => 1,
    };
    own + children(node).into_iter().map(nodes).sum::<usize>()
}
