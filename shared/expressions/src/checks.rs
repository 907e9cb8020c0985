//! What a parsed expression is checked for, and walks over its tree.

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators};

use crate::compile::ExpressionError;
use crate::variables::Variables;

/// How deep the tree may be: the interpreter recurses on the stack of whoever evaluates.
const MAX_DEPTH: usize = 32;
/// How many loops may be inside each other: each multiplies the work by the length of a list.
const MAX_NESTED_MACROS: usize = 2;
/// How many loops altogether: each in a chain can double what it was given.
const MAX_MACROS: usize = 8;

/// Type names, which CEL uses as values in `type(x) == string`.
const TYPES: [&str; 11] =
    ["bool", "bytes", "double", "int", "list", "map", "null_type", "optional_type", "string", "type", "uint"];

/// Every function of CEL's standard library as this interpreter has it. Its environment cannot be asked for
/// names alone, and without the list a misspelt function would only fail when an event comes.
pub(crate) const FUNCTIONS: [&str; 36] = [
    "bool",
    "bytes",
    "contains",
    "double",
    "duration",
    "dyn",
    "endsWith",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "hasValue",
    "int",
    "matches",
    "none",
    "of",
    "ofNonZeroValue",
    "or",
    "orValue",
    "size",
    "startsWith",
    "string",
    "timestamp",
    "type",
    "uint",
    "value",
    "optional.none",
    "optional.of",
    "optional.ofNonZeroValue",
    "has",
];

/// A path of fields that an expression reads, like `profile.purchases.count`.
#[derive(Debug)]
pub(crate) struct ReadPath {
    pub(crate) text: String,
    pub(crate) expression: IdedExpr,
}

/// Refuses what would be too deep or too slow to evaluate, or can never work.
pub(crate) fn check(expression: &IdedExpr, variables: Variables) -> Result<(), ExpressionError> {
    let mut walk = Walk { variables, bound: Vec::new(), macros: 0 };
    walk.check(expression, 1, 0)
}

struct Walk<'e> {
    variables: Variables,
    /// Names that enclosing macros have bound.
    bound: Vec<&'e str>,
    macros: usize,
}

impl<'e> Walk<'e> {
    fn check(&mut self, node: &'e IdedExpr, depth: usize, nested: usize) -> Result<(), ExpressionError> {
        if depth > MAX_DEPTH {
            return Err(ExpressionError::TooDeep { limit: MAX_DEPTH });
        }
        match &node.expr {
            Expr::Ident(name) => self.check_name(name),
            Expr::Call(call) => {
                check_function(&call.func_name)?;
                let namespace = |target: &IdedExpr| matches!(&target.expr, Expr::Ident(n) if n == "optional");
                if let Some(target) = call.target.as_deref().filter(|target| !namespace(target)) {
                    self.check(target, depth + 1, nested)?;
                }
                call.args.iter().try_for_each(|arg| self.check(arg, depth + 1, nested))
            }
            Expr::Comprehension(each) => {
                self.macros += 1;
                if nested >= MAX_NESTED_MACROS {
                    return Err(ExpressionError::NestedMacros { limit: MAX_NESTED_MACROS });
                }
                if self.macros > MAX_MACROS {
                    return Err(ExpressionError::TooManyMacros { limit: MAX_MACROS });
                }
                self.check(&each.iter_range, depth + 1, nested)?;
                let before = self.bound.len();
                self.bound.extend([each.iter_var.as_str(), each.accu_var.as_str()]);
                self.bound.extend(each.iter_var2.as_deref());
                let inside = [&each.accu_init, &each.loop_cond, &each.loop_step, &each.result];
                let outcome = inside.into_iter().try_for_each(|part| self.check(part, depth + 1, nested + 1));
                self.bound.truncate(before);
                outcome
            }
            Expr::Struct(_) => Err(ExpressionError::Unsupported { what: "building a message" }),
            Expr::Unspecified => Err(ExpressionError::Unreadable),
            Expr::List(_) | Expr::Literal(_) | Expr::Map(_) | Expr::Select(_) => {
                children(node).into_iter().try_for_each(|child| self.check(child, depth + 1, nested))
            }
        }
    }

    fn check_name(&self, name: &str) -> Result<(), ExpressionError> {
        let variables = self.variables;
        if variables.names().contains(&name) || TYPES.contains(&name) || self.bound.contains(&name) {
            return Ok(());
        }
        let name = name.to_string();
        if variables.hides(&name) {
            return Err(ExpressionError::Hidden { name, variables });
        }
        Err(ExpressionError::UnknownName { name, variables })
    }
}

fn check_function(name: &str) -> Result<(), ExpressionError> {
    let is_operator = !name.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_operator || FUNCTIONS.contains(&name) {
        return Ok(());
    }
    Err(ExpressionError::UnknownFunction { name: name.to_string() })
}

/// The whole paths that `expression` reads, in order of appearance.
pub(crate) fn paths(expression: &IdedExpr) -> Vec<ReadPath> {
    let mut found = Vec::new();
    collect_paths(expression, &mut found);
    found
}

fn collect_paths(node: &IdedExpr, found: &mut Vec<ReadPath>) {
    if let Some(text) = path_text(node) {
        found.push(ReadPath { text, expression: node.clone() });
        return;
    }
    for child in children(node) {
        collect_paths(child, found);
    }
}

/// `a.b.c` when `node` is that and starts at a variable of the scope.
fn path_text(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Ident(name) if Variables::Run.names().contains(&name.as_str()) => Some(name.clone()),
        Expr::Select(select) if !select.test => {
            path_text(&select.operand).map(|left| format!("{left}.{}", select.field))
        }
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [left, field] => Some(format!("{}['{}']", path_text(left)?, literal(field)?)),
            _ => None,
        },
        _ => None,
    }
}

/// The text that `node` is, when it is one.
pub(crate) fn literal(node: &IdedExpr) -> Option<&str> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

pub(crate) fn children(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Comprehension(each) => {
            vec![&each.iter_range, &each.accu_init, &each.loop_cond, &each.loop_step, &each.result]
        }
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map
            .entries
            .iter()
            .flat_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
                EntryExpr::StructField(field) => vec![&field.value],
            })
            .collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Struct(_) => Vec::new(),
    }
}

/// Visits every node, parents first.
pub(crate) fn for_each_mut(node: &mut IdedExpr, visit: &mut impl FnMut(&mut IdedExpr)) {
    visit(node);
    match &mut node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) => {}
        Expr::Call(call) => {
            for child in call.target.as_deref_mut().into_iter().chain(&mut call.args) {
                for_each_mut(child, visit);
            }
        }
        Expr::Comprehension(each) => {
            let each = &mut **each;
            for child in [
                &mut each.iter_range,
                &mut each.accu_init,
                &mut each.loop_cond,
                &mut each.loop_step,
                &mut each.result,
            ] {
                for_each_mut(child, visit);
            }
        }
        Expr::List(list) => list.elements.iter_mut().for_each(|child| for_each_mut(child, visit)),
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    for_each_mut(&mut entry.key, visit);
                    for_each_mut(&mut entry.value, visit);
                }
            }
        }
        Expr::Select(select) => for_each_mut(&mut select.operand, visit),
    }
}
