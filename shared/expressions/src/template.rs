//! A template: a text with holes that are filled from the event, like `{{ event.properties.first }}`.
//!
//! The language is a part of Jinja's: `{{ … }}`, `{% if %}`, `{% for %}`, comments, and the filters and tests of
//! [`checks`]. Nothing is loaded, defined or called, and what is filled in is never escaped: the result is a text,
//! not a page. Work and memory of one rendering are bounded, whatever the event holds.

mod checks;
mod error;
mod syntax;
mod values;

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use minijinja::{Environment, Error, ErrorKind, Output, UndefinedBehavior, Value};

use crate::compile::{MAX_SOURCE_BYTES, TOO_MUCH_TOGETHER, on_a_large_stack};
use crate::expression::EvaluationError;
use crate::reads::ReadPath;
use crate::scope::Scope;
use crate::variables::Variables;

pub use error::TemplateError;
pub(crate) use values::to_template;

/// The longest text that a template may make, in bytes.
pub const MAX_OUTPUT_BYTES: usize = 8192;

/// What one rendering may cost: about as many instructions, or 64 times as many bytes of texts in between.
const FUEL: u64 = 20_000;

/// Writes what a hole holds.
type Writer = fn(&mut Output<'_>, &Value) -> Result<(), Error>;

/// The only template of its environment.
const NAME: &str = "template";

/// A compiled template. Free to share between threads.
#[derive(Clone)]
pub struct Template(Arc<Inner>);

struct Inner {
    source: String,
    environment: Environment<'static>,
    /// The paths that it reads, in order of appearance: asked when one is missing, to name it whole.
    reads: Vec<checks::Read>,
    paths: Vec<ReadPath>,
}

impl Template {
    /// Compiles a template that sees `variables`.
    ///
    /// # Errors
    /// What [`TemplateError`] lists: too long, not a template, a name, filter or statement that is not known.
    pub fn compile(source: &str, variables: Variables) -> Result<Template, TemplateError> {
        Template::compile_for(source, variables, values::write)
    }

    /// Compiles the template of an address, as [`Template::compile`] does: what is filled in is percent-encoded, all of it
    /// but letters, digits, `-`, `.`, `_` and `~`, so that it stays within the part of the address that it is put in.
    ///
    /// # Errors
    /// Those of [`Template::compile`].
    pub fn compile_for_url(source: &str, variables: Variables) -> Result<Template, TemplateError> {
        Template::compile_for(source, variables, values::write_encoded)
    }

    fn compile_for(source: &str, variables: Variables, write: Writer) -> Result<Template, TemplateError> {
        if source.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        if source.len() > MAX_SOURCE_BYTES {
            return Err(TemplateError::TooLong { bytes: source.len() });
        }
        let compiled = on_a_large_stack(|| {
            let reads = checks::check(source, variables)?;
            let mut environment = environment(write);
            environment
                .add_template_owned(NAME, source.to_string())
                .map_err(|error| TemplateError::syntax(&error))?;
            let paths = reads
                .iter()
                .map(|read| ReadPath { parts: read.path.clone(), guarded: read.guarded })
                .collect();
            Ok(Inner { source: source.to_string(), environment, reads, paths })
        });
        compiled.unwrap_or(Err(TemplateError::Unreadable)).map(|inner| Template(Arc::new(inner)))
    }

    /// Fills the template from `scope`.
    ///
    /// # Errors
    /// [`EvaluationError::Missing`] for an absent path, [`EvaluationError::Failed`] for anything else; neither
    /// says a value.
    pub fn render(&self, scope: &Scope) -> Result<String, EvaluationError> {
        let template = self.0.environment.get_template(NAME).map_err(|error| self.failure(&error, scope))?;
        let mut text = Bounded(Vec::new());
        if scope.steps_left() == 0 {
            return Err(EvaluationError::Failed { reason: TOO_MUCH_TOGETHER.to_string() });
        }
        let rendered = template.render_captured_to(scope.template_root(), &mut text);
        // What was burnt when it failed is not known.
        let burnt = rendered.as_ref().ok().and_then(|captured| captured.state().fuel_levels());
        scope.take_steps(burnt.map_or(FUEL, |(burnt, _)| burnt).try_into().unwrap_or(usize::MAX));
        rendered.map_err(|error| self.failure(&error, scope))?;
        String::from_utf8(text.0)
            .map_err(|_| EvaluationError::Failed { reason: "the result is not a text".to_string() })
    }

    /// The text it was compiled from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The paths that it reads, in order of appearance.
    #[must_use]
    pub fn reads(&self) -> &[ReadPath] {
        &self.0.paths
    }

    /// Says anew what the engine says: its own words may quote values, which may be personal data.
    fn failure(&self, error: &Error, scope: &Scope) -> EvaluationError {
        let line = error.line().unwrap_or(1);
        let told = match error.kind() {
            ErrorKind::UndefinedError => return EvaluationError::Missing { what: self.missing(scope, line) },
            ErrorKind::InvalidOperation => match std::error::Error::source(error) {
                Some(own) if own.is::<values::NotText>() => own.to_string(),
                _ => "an operator or filter does not work on values of these types".to_string(),
            },
            ErrorKind::OutOfFuel => "filling the template takes too much work".to_string(),
            ErrorKind::WriteFailure => format!("the text is longer than {MAX_OUTPUT_BYTES} bytes"),
            ErrorKind::MissingArgument | ErrorKind::TooManyArguments => {
                "a filter or test has too few or too many arguments".to_string()
            }
            _ => "the values do not fit the template".to_string(),
        };
        EvaluationError::Failed { reason: format!("line {line} of the template: {told}") }
    }

    /// The engine says only that something was missing; the first path that is, best in the line it names, is what
    /// the writer of the template wants to hear.
    fn missing(&self, scope: &Scope, line: usize) -> String {
        let absent = || self.0.reads.iter().filter(|read| !scope.has(&read.path));
        let best = absent().min_by_key(|read| (read.guarded, read.line != line));
        best.map_or_else(|| format!("a field in line {line} of the template"), |read| read.path.join("."))
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.0.source).finish()
    }
}

fn environment(write: Writer) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_formatter(move |out, _, value| write(out, value));
    environment.set_fuel(Some(FUEL));
    environment
}

/// Takes [`MAX_OUTPUT_BYTES`] and no more.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
