//! YAML with places: the documents of a file, and typed values out of them.

pub(crate) mod places;
mod syntax;
mod words;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_saphyr::Options;

use crate::at::At;
use crate::error::{Origin, Place, Problems};

/// Whose a document is that does not say it.
pub(crate) const DEFAULT_TENANT: &str = "default";

/// What every document says about itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    pub(crate) kind: At<String>,
    pub(crate) name: At<String>,
    #[serde(default)]
    pub(crate) tenant: Option<At<String>>,
    #[serde(rename = "spec")]
    _spec: IgnoredAny,
}

/// The documents of a file, each with the line it begins at. Splitting by hand and not with the parser: it stops at the
/// first error, and the documents after it have errors worth telling too.
pub(crate) fn documents(text: &str) -> Vec<(u64, String)> {
    let mut documents = Vec::new();
    let mut current = (1, String::new());
    for (line, text) in (1_u64..).zip(text.lines()) {
        if is_marker(text, "---") || is_marker(text, "...") {
            documents.push(std::mem::replace(&mut current, (line + 1, String::new())));
            // Content may follow on the marker's own line: `--- {kind: Source, ...}`. It keeps its column.
            let content = text.get(3..).unwrap_or_default();
            if !is_blank(content) {
                current = (line, format!("   {content}\n"));
            }
            continue;
        }
        current.1.push_str(text);
        current.1.push('\n');
    }
    documents.push(current);
    documents.retain(|(_, document)| !document.lines().all(is_blank));
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

/// The `spec` of a document as JSON, however it is written; `None` when it has none.
pub(crate) fn contents(document: &str) -> Option<serde_json::Value> {
    #[derive(Deserialize)]
    struct Body {
        spec: serde_json::Value,
    }
    serde_saphyr::from_str_with_options::<Body>(document, options()).ok().map(|body| body.spec)
}

fn parse<T: DeserializeOwned>(document: &str, origin: &Origin, problems: &mut Problems) -> Option<T> {
    match serde_saphyr::from_str_with_options(document, options()) {
        Ok(value) => Some(value),
        Err(error) => {
            let error = error.without_snippet();
            let place = error.location().map(Place::from).unwrap_or_default();
            problems.add(origin, place, words::of(error, place, document));
            None
        }
    }
}

fn options() -> Options {
    // An alias repeats what its anchor holds: a few lines could become gigabytes. A document needs none or a few.
    let aliases = serde_saphyr::alias_limits! { max_total_replayed_events: 2_000 };
    serde_saphyr::options! { with_snippet: false, strict_booleans: true, alias_limits: aliases }
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}
