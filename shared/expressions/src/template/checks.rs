//! What a template is checked for before it is ever filled: the engine itself would find a misspelt name or filter
//! only when an event comes.

use minijinja::machinery::ast::{CallArg, Expr, Stmt};
use minijinja::machinery::{Span, parse};

use super::error::TemplateError;
use crate::variables::Variables;

/// The filters a template may use.
const FILTERS: [&str; 15] = [
    "abs",
    "capitalize",
    "default",
    "first",
    "float",
    "int",
    "join",
    "last",
    "length",
    "lower",
    "replace",
    "round",
    "title",
    "trim",
    "upper",
];

/// The tests it may use, as in `x is defined`.
const TESTS: [&str; 7] =
    ["defined", "undefined", "string", "number", "boolean", "startingwith", "endingwith"];

/// How many loops may be inside each other.
const MAX_NESTED_LOOPS: usize = 2;

/// A path that a template reads, like `event.properties.first`.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    /// It may be missing: a `default` or `is defined` takes care of that.
    pub(super) guarded: bool,
}

/// Refuses what could never be filled, and lists the paths that are read, in order of appearance.
pub(super) fn check(source: &str, variables: Variables) -> Result<Vec<Read>, TemplateError> {
    let template =
        parse(source, "template", Default::default()).map_err(|error| TemplateError::syntax(&error))?;
    let mut walk = Walk { variables, bound: Vec::new(), loops: 0, reads: Vec::new() };
    walk.statement(&template)?;
    Ok(walk.reads)
}

struct Walk<'a> {
    variables: Variables,
    /// Names that enclosing loops have bound.
    bound: Vec<&'a str>,
    loops: usize,
    reads: Vec<Read>,
}

impl<'a> Walk<'a> {
    fn statements(&mut self, statements: &[Stmt<'a>]) -> Result<(), TemplateError> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Stmt<'a>) -> Result<(), TemplateError> {
        let refused = |what: &'static str, span: Span| {
            Err(TemplateError::Unsupported { what, line: usize::from(span.start_line) })
        };
        match statement {
            Stmt::Template(template) => self.statements(&template.children),
            Stmt::EmitExpr(emit) => self.expression(&emit.expr),
            Stmt::EmitRaw(_) => Ok(()),
            Stmt::IfCond(condition) => {
                self.expression(&condition.expr)?;
                self.statements(&condition.true_body)?;
                self.statements(&condition.false_body)
            }
            Stmt::ForLoop(each) if each.recursive => refused("a recursive loop", each.span()),
            Stmt::ForLoop(each) if self.loops == MAX_NESTED_LOOPS => {
                refused("a loop inside of two others", each.span())
            }
            Stmt::ForLoop(each) => {
                self.expression(&each.iter)?;
                let before = self.bound.len();
                self.bind(&each.target);
                self.bound.push("loop");
                self.loops += 1;
                each.filter_expr.iter().try_for_each(|filter| self.expression(filter))?;
                self.statements(&each.body)?;
                self.loops -= 1;
                self.bound.truncate(before);
                self.statements(&each.else_body)
            }
            Stmt::WithBlock(node) => refused("with", node.span()),
            Stmt::Set(node) => refused("set", node.span()),
            Stmt::SetBlock(node) => refused("set", node.span()),
            Stmt::AutoEscape(node) => refused("autoescape", node.span()),
            Stmt::FilterBlock(node) => refused("a filter block", node.span()),
            Stmt::Do(node) => refused("do", node.span()),
        }
    }

    fn bind(&mut self, target: &Expr<'a>) {
        match target {
            Expr::Var(name) => self.bound.push(name.id),
            Expr::List(list) => list.items.iter().for_each(|item| self.bind(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.bind(item)),
            _ => {}
        }
    }

    fn expressions<'e>(&mut self, all: impl IntoIterator<Item = &'e Expr<'a>>) -> Result<(), TemplateError>
    where
        'a: 'e,
    {
        all.into_iter().try_for_each(|expression| self.expression(expression))
    }

    fn expression(&mut self, expression: &Expr<'a>) -> Result<(), TemplateError> {
        let line = usize::from(expression.span().start_line);
        if let Some(path) = path(expression)
            && !self.bound.contains(&path[0])
        {
            self.known(path[0], line)?;
            let path = path.into_iter().map(str::to_string).collect();
            self.reads.push(Read { path, line, guarded: false });
            return Ok(());
        }
        match expression {
            Expr::Var(_) | Expr::Const(_) => Ok(()),
            Expr::Slice(slice) => {
                self.expression(&slice.expr)?;
                self.expressions([&slice.start, &slice.stop, &slice.step].into_iter().flatten())
            }
            Expr::UnaryOp(unary) => self.expression(&unary.expr),
            Expr::BinOp(binary) => self.expressions([&binary.left, &binary.right]),
            Expr::Compare(compare) => {
                self.expression(&compare.expr)?;
                self.expressions(compare.ops.iter().map(|op| &op.expr))
            }
            Expr::IfExpr(choice) => {
                self.expressions([&choice.test_expr, &choice.true_expr])?;
                self.expressions(&choice.false_expr)
            }
            Expr::Filter(filter) => {
                word("filter", filter.name, &FILTERS, line)?;
                let before = self.reads.len();
                self.expressions(&filter.expr)?;
                if filter.name == "default" {
                    self.guard(before);
                }
                self.arguments(&filter.args)
            }
            Expr::Test(test) => {
                word("test", test.name, &TESTS, line)?;
                let before = self.reads.len();
                self.expression(&test.expr)?;
                if ["defined", "undefined"].contains(&test.name) {
                    self.guard(before);
                }
                self.arguments(&test.args)
            }
            Expr::GetAttr(get) => self.expression(&get.expr),
            Expr::GetItem(get) => self.expressions([&get.expr, &get.subscript_expr]),
            Expr::Call(_) => Err(TemplateError::Unsupported { what: "a call", line }),
            Expr::List(list) => self.expressions(&list.items),
            Expr::Tuple(tuple) => self.expressions(&tuple.items),
            Expr::Map(map) => self.expressions(map.keys.iter().chain(&map.values)),
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'a>]) -> Result<(), TemplateError> {
        self.expressions(arguments.iter().map(|argument| match argument {
            CallArg::Pos(value)
            | CallArg::Kwarg(_, value)
            | CallArg::PosSplat(value)
            | CallArg::KwargSplat(value) => value,
        }))
    }

    fn guard(&mut self, from: usize) {
        self.reads[from..].iter_mut().for_each(|read| read.guarded = true);
    }

    fn known(&self, name: &str, line: usize) -> Result<(), TemplateError> {
        let variables = self.variables;
        if variables.names().contains(&name) {
            return Ok(());
        }
        let name = name.to_string();
        if variables.hides(&name) {
            return Err(TemplateError::Hidden { line, name, variables });
        }
        Err(TemplateError::UnknownName { line, name, variables })
    }
}

fn word(
    what: &'static str,
    name: &str,
    known: &'static [&'static str],
    line: usize,
) -> Result<(), TemplateError> {
    if known.contains(&name) {
        return Ok(());
    }
    Err(TemplateError::UnknownWord { line, what, name: name.to_string(), known })
}

/// `a.b.c` when `expression` is that.
fn path<'a>(expression: &Expr<'a>) -> Option<Vec<&'a str>> {
    match expression {
        Expr::Var(name) => Some(vec![name.id]),
        Expr::GetAttr(get) => {
            let mut left = path(&get.expr)?;
            left.push(get.name);
            Some(left)
        }
        _ => None,
    }
}
