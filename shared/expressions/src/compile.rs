//! From text to something that can be evaluated, and what is refused on the way.
//!
//! Configuration is written by people, and one bad expression must not stop or slow a stage: the text is
//! bounded, parsed away from the caller's stack, and what parsed is bounded again in depth and in loops. What it may do
//! when it is evaluated is counted then: see `work.rs`.

use std::fmt;
use std::sync::Arc;

use cel::Value;
use cel::common::ast::IdedExpr;
use cel::common::value::Val;
use regex::Regex;

use crate::failure::Failure;
use crate::reads::{self, ReadPath};
use crate::scope::{ENVIRONMENT, Scope};
use crate::spelling::did_you_mean;
use crate::variables::Variables;
use crate::{charge, checks, work};

/// The longest expression, in bytes.
pub const MAX_SOURCE_BYTES: usize = 4096;

/// How deep brackets may nest in the text. The parser needs some 100 KiB of stack a level.
const MAX_BRACKETS: usize = 32;

/// What is told of an evaluation that was given up.
const TOO_MUCH_WORK: &str = "a list or text is too long for this expression: it would take too much work";

/// What is told when the event's other evaluations left too little for this one.
pub(crate) const TOO_MUCH_TOGETHER: &str = "everything that is evaluated for this event takes too much work together: its lists or texts are too long";

/// The parser recurses on the text, and the compiler on the tree, as deep as the text is long. Their stack is
/// a thread of its own, only as large in memory as the text makes it.
const PARSER_STACK_BYTES: usize = 64 << 20;

/// Why an expression was refused at load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// Nothing but white space.
    #[error("the expression is empty")]
    Empty,
    /// Longer than [`MAX_SOURCE_BYTES`].
    #[error("the expression has {bytes} bytes, at most {MAX_SOURCE_BYTES} are allowed")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// Brackets, operators or calls nest too deeply.
    #[error("the expression nests too deeply: at most {limit} levels are allowed")]
    TooDeep {
        /// The levels allowed.
        limit: usize,
    },
    /// Loops (`all`, `exists`, `map`, `filter`, ...) inside loops.
    #[error("at most {limit} macros like exists, all, map and filter may be nested in each other")]
    NestedMacros {
        /// How many may be nested.
        limit: usize,
    },
    /// Too many loops altogether.
    #[error("at most {limit} macros like exists, all, map and filter may be used in one expression")]
    TooManyMacros {
        /// How many are allowed.
        limit: usize,
    },
    /// It is not CEL.
    #[error("not a CEL expression: {reason} (at character {column} of line {line})")]
    Syntax {
        /// Line in the expression, from 1; 0 when the parser does not say.
        line: usize,
        /// Character in that line, from 1.
        column: usize,
        /// What is wrong, in plain words.
        reason: String,
    },
    /// A name that no scope has.
    #[error("unknown name {name}: an expression can use {}{}", .variables.listed(), did_you_mean(name, .variables.names().iter().copied()))]
    UnknownName {
        /// The name.
        name: String,
        /// What it can use.
        variables: Variables,
    },
    /// A name that others may use.
    #[error("{name} cannot be used here: {}", .variables.hidden_why())]
    Hidden {
        /// The name.
        name: String,
        /// What can be used instead.
        variables: Variables,
    },
    /// A function that does not exist.
    #[error("unknown function {name}{}", did_you_mean(name, checks::FUNCTIONS))]
    UnknownFunction {
        /// The function.
        name: String,
    },
    /// Something of CEL that has no use here, like message construction.
    #[error("{what} cannot be used here")]
    Unsupported {
        /// What it is.
        what: &'static str,
    },
    /// What `matches` matches with cannot be used.
    #[error("matches: {reason}")]
    Pattern {
        /// Why.
        reason: String,
    },
    /// The parser itself failed.
    #[error("the expression cannot be read")]
    Unreadable,
}

/// An expression ready to be evaluated.
#[derive(Clone)]
pub(crate) struct Compiled(Arc<Inner>);

struct Inner {
    source: String,
    expression: IdedExpr,
    /// The paths it reads, in order of appearance: asked when one is missing, to name it whole.
    paths: Vec<checks::ReadPath>,
    reads: Vec<ReadPath>,
    /// What it matches texts with, by number.
    patterns: Option<Arc<[Regex]>>,
    /// The steps that it takes whatever it is given.
    nodes: usize,
}

impl Compiled {
    pub(crate) fn compile(source: &str, variables: Variables) -> Result<Compiled, ExpressionError> {
        check_text(source)?;
        let compiled = on_a_large_stack(|| {
            let mut expression = parse(source)?;
            checks::check(&expression, variables)?;
            let reads = reads::of_expression(&expression);
            checks::for_each_mut(&mut expression, &mut crate::arithmetic::make_mixed);
            checks::for_each_mut(&mut expression, &mut crate::order::make_ordered);
            let paths = checks::paths(&expression);
            let patterns = charge::make_charged(&mut expression)?;
            let nodes = charge::nodes(&expression);
            let patterns = (!patterns.is_empty()).then(|| patterns.into());
            Ok(Inner { source: source.to_string(), expression, paths, reads, patterns, nodes })
        });
        compiled.unwrap_or(Err(ExpressionError::Unreadable)).map(|inner| Compiled(Arc::new(inner)))
    }

    /// Evaluates and hands the result to `read`.
    pub(crate) fn evaluate<T>(
        &self,
        scope: &Scope,
        read: impl FnOnce(&dyn Val) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let resolve = || Value::resolve_val(&self.0.expression, &scope.context);
        let left = scope.steps_left();
        if left == 0 {
            return Err(Failure::other(TOO_MUCH_TOGETHER));
        }
        let (outcome, taken) = work::bounded(left, self.0.patterns.clone(), resolve);
        scope.take_steps(taken + self.0.nodes);
        let too_much = if left < work::MAX_STEPS { TOO_MUCH_TOGETHER } else { TOO_MUCH_WORK };
        match outcome.ok_or_else(|| Failure::other(too_much))? {
            Ok(value) => read(value.as_ref()),
            Err(error) => Err(match Failure::of(error) {
                Failure::Missing { what } => Failure::Missing { what: self.whole_path(scope, what) },
                other => other,
            }),
        }
    }

    pub(crate) fn source(&self) -> &str {
        &self.0.source
    }

    pub(crate) fn reads(&self) -> &[ReadPath] {
        &self.0.reads
    }

    /// The interpreter names only the key that was missing; the first read path that is missing in the same way is what
    /// the writer of the expression wants to hear. A key that no path has was a value of the event, maybe somebody's
    /// e-mail address: it is not said.
    fn whole_path(&self, scope: &Scope, key: String) -> String {
        let missing = |path: &&checks::ReadPath| {
            let outcome = Value::resolve_val(&path.expression, &scope.context);
            matches!(outcome.map_err(Failure::of), Err(Failure::Missing { what }) if what == key)
        };
        let is_position = key.starts_with("index ") || key == "a field";
        match self.0.paths.iter().find(missing) {
            Some(path) => path.text.clone(),
            None if is_position => key,
            None => "a field named by a value".to_owned(),
        }
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Compiled").field(&self.0.source).finish()
    }
}

fn check_text(source: &str) -> Result<(), ExpressionError> {
    if source.trim().is_empty() {
        return Err(ExpressionError::Empty);
    }
    if source.len() > MAX_SOURCE_BYTES {
        return Err(ExpressionError::TooLong { bytes: source.len() });
    }
    // Brackets inside texts are counted too: simpler, and 32 open ones are rare there as well.
    let (mut open, mut deepest) = (0_usize, 0);
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    if deepest > MAX_BRACKETS {
        return Err(ExpressionError::TooDeep { limit: MAX_BRACKETS });
    }
    Ok(())
}

fn parse(source: &str) -> Result<IdedExpr, ExpressionError> {
    ENVIRONMENT.parser().parse(source).map_err(|errors| {
        let Some(first) = errors.errors.first() else { return ExpressionError::Unreadable };
        let (line, column) = first.pos;
        let (line, column) = (usize::try_from(line).unwrap_or(0), usize::try_from(column).unwrap_or(0));
        let reason = crate::syntax::words(&first.msg, source, line, column);
        ExpressionError::Syntax { line, column, reason }
    })
}

/// Runs `work` with room for the deepest text that may be parsed. `None` where it panicked, which is an error of
/// the text: a document must not be able to end the process that loads it.
pub(crate) fn on_a_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("compile-expression".into())
            .stack_size(PARSER_STACK_BYTES)
            .spawn_scoped(scope, work)
            .ok()?;
        thread.join().ok()
    })
}

#[cfg(test)]
mod tests;
