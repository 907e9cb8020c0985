//! YAML with places: the documents of a file, and typed values out of them.

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_saphyr::{DefaultMessageFormatter, MessageFormatter, Options, Spanned};

use crate::error::{Origin, Place, Problems};

/// What every document says about itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    pub(crate) kind: Spanned<String>,
    pub(crate) name: Spanned<String>,
    #[serde(default)]
    pub(crate) tenant: Option<Spanned<String>>,
    #[serde(rename = "spec")]
    _spec: IgnoredAny,
}

/// The documents of a file, each preceded by as many empty lines as stand before it in the file, so that the
/// places in it are those of the file. Splitting by hand and not with the parser: it stops at the first
/// error, and the documents after it have errors worth telling too.
pub(crate) fn documents(text: &str) -> Vec<String> {
    let mut documents = Vec::new();
    let mut current = String::new();
    for (index, line) in text.lines().enumerate() {
        if is_marker(line, "---") || is_marker(line, "...") {
            documents.push(std::mem::replace(&mut current, "\n".repeat(index + 1)));
            // Content may follow on the marker's own line: `--- {kind: Source, ...}`.
            let content = line.get(3..).unwrap_or_default();
            if !is_blank(content) {
                current = format!("{}   {content}\n", "\n".repeat(index));
            }
            continue;
        }
        current.push_str(line);
        current.push('\n');
    }
    documents.push(current);
    documents.retain(|document| !document.lines().all(is_blank));
    documents
}

/// The first line that is neither blank nor a comment.
pub(crate) fn first_place(document: &str) -> Place {
    let line = document.lines().position(|line| !is_blank(line)).unwrap_or(0);
    Place { line: line as u64 + 1, column: 1 }
}

/// Kind, name and tenant of a document.
pub(crate) fn head(document: &str, origin: &Origin, problems: &mut Problems) -> Option<Head> {
    parse(document, origin, problems)
}

/// The `spec` of a document whose head was read already.
pub(crate) fn spec<T: DeserializeOwned>(
    document: &str,
    origin: &Origin,
    problems: &mut Problems,
) -> Option<T> {
    #[derive(Deserialize)]
    struct Body<T> {
        spec: T,
    }
    parse::<Body<T>>(document, origin, problems).map(|body| body.spec)
}

fn parse<T: DeserializeOwned>(document: &str, origin: &Origin, problems: &mut Problems) -> Option<T> {
    match serde_saphyr::from_str_with_options(document, options()) {
        Ok(value) => Some(value),
        Err(error) => {
            let error = error.without_snippet();
            let place = error.location().map(Place::from).unwrap_or_default();
            // The text may quote the file, and the file may hold anything.
            let message = DefaultMessageFormatter.format_message(error).replace(char::is_control, " ");
            problems.add(origin, place, message);
            None
        }
    }
}

fn options() -> Options {
    serde_saphyr::options! { with_snippet: false, strict_booleans: true }
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}
