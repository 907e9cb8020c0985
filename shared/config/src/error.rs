//! Everything that is wrong with a configuration, each with its place.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde_saphyr::Location;

/// One thing that is wrong, or suspicious.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, relative to the configuration's directory; the directory itself when that is the trouble.
    pub file: String,
    /// Line from 1; 0 when the whole file is meant.
    pub line: u64,
    /// Column from 1; 0 when the whole file is meant.
    pub column: u64,
    /// Kind and name of the document, like `Mapping purchase`, as far as they could be read.
    pub document: Option<String>,
    /// What is wrong, and where it helps, what to do.
    pub reason: String,
}

/// All that is wrong with a configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// The errors, by file and line.
    #[must_use]
    pub fn errors(&self) -> &[ConfigError] {
        &self.0
    }

    /// A single error about a file or directory as a whole.
    pub(crate) fn about(file: impl Into<String>, reason: impl Into<String>) -> ConfigErrors {
        ConfigErrors(vec![ConfigError {
            file: file.into(),
            line: 0,
            column: 0,
            document: None,
            reason: reason.into(),
        }])
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if let Some(document) = &self.document {
            write!(f, ": {document}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
impl std::error::Error for ConfigErrors {}

/// A place in a file, from 1; zeros when unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl From<Location> for Place {
    fn from(location: Location) -> Place {
        Place { line: location.line(), column: location.column() }
    }
}

/// Where a document stands: enough to say later what is wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) file: Arc<str>,
    /// How many lines of the file stand before the document's text. Places are places in the text: they are moved
    /// when they are told.
    pub(crate) lines_before: u64,
    pub(crate) document: Option<String>,
    /// What is told when a part of the document has no place.
    pub(crate) place: Place,
}

impl Origin {
    /// Of a text that begins at `line` of `file`.
    pub(crate) fn in_file(file: &str, line: u64) -> Origin {
        Origin {
            file: file.into(),
            lines_before: line.saturating_sub(1),
            document: None,
            place: Place::default(),
        }
    }

    /// Something to tell of `place` in the document.
    pub(crate) fn error(&self, place: Place, document: Option<String>, reason: String) -> ConfigError {
        let (file, line) = (self.file.to_string(), self.line_of(place));
        ConfigError { file, line, column: place.column, document, reason }
    }

    /// The line of the file that `place` of the document is in.
    pub(crate) fn line_of(&self, place: Place) -> u64 {
        if place.line == 0 { 0 } else { place.line.saturating_add(self.lines_before) }
    }
}

/// Collects what is wrong; loading goes on, so that one run tells everything.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<ConfigError>);

impl Problems {
    /// Something wrong at `place` in the document of `origin`.
    pub(crate) fn add(&mut self, origin: &Origin, place: Place, reason: impl Into<String>) {
        let place = if place == Place::default() { origin.place } else { place };
        self.0.push(origin.error(place, origin.document.clone(), reason.into()));
    }

    pub(crate) fn none_so_far(&self) -> bool {
        self.0.is_empty()
    }

    /// The files, lines and columns that something was said about.
    pub(crate) fn places(&self) -> HashSet<(&str, u64, u64)> {
        self.0.iter().map(|error| (error.file.as_str(), error.line, error.column)).collect()
    }

    /// `Err` with everything collected, by file and line.
    pub(crate) fn into_result(mut self) -> Result<(), ConfigErrors> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        Err(ConfigErrors(self.0))
    }
}
