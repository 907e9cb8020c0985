//! Documents as they were written: what is applied, kept in revisions and handed from process to process.

use std::collections::HashMap;
use std::path::Path as FilePath;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tributary_model::canonical;

use crate::documents;
use crate::error::{ConfigErrors, Origin, Place, Problems};
use crate::files;
use crate::yaml;

/// A document as it was written. Names secrets, never holds one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Who owns it.
    pub tenant: String,
    /// What sort of document it is, such as `Mapping`.
    pub kind: String,
    /// Unique for its kind and tenant.
    pub name: String,
    /// The file that it came from, relative to its directory.
    pub file: String,
    /// The line of that file at which `text` begins, from 1.
    pub line: u64,
    /// Its own YAML, without its neighbours.
    pub text: String,
}

/// What tells documents apart: tenant, kind and name.
pub(crate) type Identity<'d> = (&'d str, &'d str, &'d str);

impl Document {
    /// The order of documents in revisions, plans and digests.
    pub(crate) fn identity(&self) -> Identity<'_> {
        (&self.tenant, &self.kind, &self.name)
    }

    /// What it says, apart from how it is written: two documents of one identity are equal when this is. What is not
    /// YAML stands for itself; such a document is refused before anything compares it for good.
    pub(crate) fn contents(&self) -> Value {
        yaml::contents(&self.text).map_or_else(|| Value::String(self.text.clone()), canonical)
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin::in_file(&self.file, self.line)
    }
}

/// The documents of a directory: every `*.yaml` and `*.yml` below it. What each says about itself is checked, and that
/// none is there twice; whether they say anything sensible is for [`Config::from_documents`](crate::Config).
///
/// # Errors
/// Everything that is wrong, each with file, line and reason; also for a missing directory or one without documents.
pub fn read_directory(dir: &FilePath) -> Result<Vec<Document>, ConfigErrors> {
    let mut problems = Problems::default();
    let mut seen = Seen::default();
    let mut documents = Vec::new();
    for part in parts(dir)? {
        let Some(heading) = documents::heading(&part.text, &part.origin(), &mut problems) else { continue };
        let Some(document) = part.named(&heading) else { continue };
        if seen.is_new(&document, &heading.origin, &mut problems) {
            documents.push(document);
        }
    }
    problems.into_result()?;
    Ok(documents)
}

/// A part of a file that is one document, not yet looked at.
pub(crate) struct Part {
    pub(crate) file: String,
    pub(crate) line: u64,
    pub(crate) text: String,
}

impl Part {
    pub(crate) fn origin(&self) -> Origin {
        Origin::in_file(&self.file, self.line)
    }

    /// The document, when its heading is right.
    pub(crate) fn named(self, heading: &documents::Heading) -> Option<Document> {
        let tenant = heading.tenant.as_ref()?.to_string();
        let (kind, name) = (heading.kind.name.to_string(), heading.name.clone());
        Some(Document { tenant, kind, name, file: self.file, line: self.line, text: self.text })
    }
}

/// The parts of all files of `dir`, at least one.
pub(crate) fn parts(dir: &FilePath) -> Result<Vec<Part>, ConfigErrors> {
    let mut parts = Vec::new();
    for file in files::read(dir)? {
        let of_file = yaml::documents(&file.text).into_iter();
        parts.extend(of_file.map(|(line, text)| Part { file: file.path.clone(), line, text }));
    }
    if parts.is_empty() {
        return Err(ConfigErrors::about(dir.display().to_string(), "the files hold no documents"));
    }
    Ok(parts)
}

/// The documents met so far, to tell one that is there twice.
#[derive(Default)]
pub(crate) struct Seen(HashMap<(String, String, String), Origin>);

impl Seen {
    /// Whether `document` was not met before; it is told, with the place of the first, when it was.
    pub(crate) fn is_new(&mut self, document: &Document, origin: &Origin, problems: &mut Problems) -> bool {
        let (tenant, kind, name) = document.identity();
        let identity = (tenant.to_string(), kind.to_string(), name.to_string());
        if let Some(first) = self.0.get(&identity) {
            let (file, line) = (&first.file, first.line_of(first.place));
            let reason = format!("tenant {tenant} has a {kind} {name} already, at {file}:{line}");
            problems.add(origin, Place::default(), reason);
            return false;
        }
        self.0.insert(identity, origin.clone());
        true
    }
}
