//! Why a document cannot be read, in words for whoever wrote it: which part is meant, and what to write instead. No value
//! is ever quoted, and below what names secrets no name either: somebody may have written the secret itself.

use serde_saphyr::Error;
use serde_saphyr::localizer::ExternalMessageSource;

use tributary_expressions::{did_you_mean, nearest};

use super::places::{self, Node};
use super::syntax;
use crate::documents::workflow::nodes::{SOME_KINDS, node_kinds};
use crate::error::Place;

/// What is told of `error`, which `document` was the cause of.
pub(super) fn of(error: &Error, place: Place, document: &str) -> String {
    if let Some(told) = of_text(error) {
        return told;
    }
    let nodes = places::nodes(document);
    let at = match error {
        Error::SerdeMissingField { .. } => incomplete(&nodes, place),
        // Errors name the place of a value or of its name.
        _ => nodes.iter().find(|node| node.place == place || node.name_place == place),
    };
    if let Some(instead) = at.and_then(|node| instead_of_a_secret(&node.path)) {
        return match error {
            Error::SerdeUnknownField { field, expected, .. } => {
                instead.to_string() + &did_you_mean(field, expected.iter().copied())
            }
            _ => instead.to_string(),
        };
    }
    if let (Error::SerdeUnknownField { field, expected, .. }, Some(at)) = (error, at)
        && node_kinds().iter().all(|kind| expected.contains(kind))
    {
        return of_kind(field, expected, at, &nodes);
    }
    of_contents(error, at)
}

/// Of what is no kind of node, and no other part of one.
fn of_kind(field: &str, known: &[&'static str], at: &Node, nodes: &[Node]) -> String {
    let beside = |node: &&Node| {
        node.path.last().is_some_and(|last| last == "name")
            && node.path.len() == at.path.len()
            && node.path[..node.path.len() - 1] == at.path[..at.path.len() - 1]
    };
    let of = nodes.iter().find(beside).and_then(|name| name.text.as_deref());
    let of = of.map_or_else(String::new, |name| format!("node {name}: "));
    match nearest(field, known.iter().copied()) {
        Some(near) => format!("{of}`{field}` is no kind of node; did you mean {near}?"),
        None => format!("{of}`{field}` is no kind of node; there are {SOME_KINDS}"),
    }
}

/// The object that something is missing in: `place` is the one of its last name, or its own when it is empty.
fn incomplete(nodes: &[Node], place: Place) -> Option<&Node> {
    let is_named = |node: &&Node| node.name_place == place && node.name_place != node.place;
    match nodes.iter().rfind(is_named) {
        Some(last) => {
            nodes.iter().find(|node| last.path.split_last().is_some_and(|(_, above)| node.path == above))
        }
        None => nodes.iter().find(|node| node.place == place),
    }
}

/// Of a text that is no YAML, or more than is taken.
fn of_text(error: &Error) -> Option<String> {
    let told = match error {
        Error::ExternalMessage { source, .. } => match &**source {
            ExternalMessageSource::Parser(error) => return Some(syntax::words(error.kind())),
            _ => "this cannot be read",
        },
        Error::AliasError { error, .. } => return of_text(error),
        Error::Eof { .. } => "the document says nothing",
        Error::MultipleDocuments { .. } => {
            "another document begins here; put `---` on a line of its own before it"
        }
        Error::UnknownAnchor { .. } => {
            "no `&name` before this says what the `*` stands for; put a text that begins with `*` in quotes"
        }
        Error::MergeValueNotMapOrSeqOfMaps { .. } | Error::MergeKeyNotAllowed { .. } => {
            "`<<` takes an object, or a list of objects, to be merged"
        }
        Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::RecursiveReferencesRequireWeakTypes { .. } => {
            "the aliases (`*name`) make too much of the document; write out what they stand for"
        }
        Error::Budget { .. } => "the document is too large, or nests too deeply",
        Error::InvalidUtf8Input | Error::IOError { .. } => "this is not text in UTF-8",
        _ => return None,
    };
    Some(told.to_string())
}

/// Of a text that is YAML and says something that the documents have no use for.
fn of_contents(error: &Error, at: Option<&Node>) -> String {
    let what = at.map_or_else(|| "this".to_string(), |node| name(&node.path));
    match error {
        Error::AliasError { error, .. } => of_contents(error, at),
        Error::SerdeUnknownField { field, expected, .. } => match at {
            Some(_) => format!("unknown field `{field}`{}", among(field, expected)),
            None => format!("unknown field{}", among(field, expected)),
        },
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            format!("unknown {} `{variant}`{}", sort(at), among(variant, expected))
        }
        Error::SerdeMissingField { field, .. } => format!("{what} has no `{field}`, which is needed"),
        Error::DuplicateMappingKey { .. } => format!("{what} is there twice; leave one of them out"),
        Error::NullIntoString { .. } => format!("{what} has no value"),
        Error::InvalidBooleanStrict { .. } => format!("{what} must be true or false"),
        Error::InvalidScalar { ty, .. } => format!("{what} must be {}", in_words(ty)),
        Error::NonFiniteFloat { .. } => format!("{what} must be a number, and a finite one"),
        Error::QuotingRequired { .. } => format!("{what} needs quotes"),
        Error::Unexpected { expected, .. } => format!("{what} must be {}", in_words(expected)),
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            format!("{what} must be {}", in_words(expected))
        }
        Error::SerdeInvalidLength { expected, .. } => format!("{what} must have {}", in_words(expected)),
        Error::TaggedScalarCannotDeserializeIntoString { .. }
        | Error::UnsupportedTag { .. }
        | Error::TaggedStructFieldName { .. }
        | Error::TaggedEnumMismatch { .. }
        | Error::InvalidBinaryBase64 { .. }
        | Error::BinaryNotUtf8 { .. } => format!("{what}: put a text that begins with `!` in quotes"),
        // Words of our own, or of a type of ours.
        Error::Message { msg, .. } => {
            let told = msg.replace(char::is_control, " ");
            match told.strip_prefix("expected ") {
                Some(expected) => format!("{what} must be {expected}"),
                None => format!("{what}: {told}"),
            }
        }
        _ => format!("{what} cannot be read; see docs/configuration.md for what can be written here"),
    }
}

/// What to write where a secret is named.
fn instead_of_a_secret(path: &[String]) -> Option<&'static str> {
    match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["spec", "write_keys", ..] => Some(
            "write_keys is a list that says where each key is: `- env: NAME` or `- file: PATH`, never the key itself",
        ),
        ["spec", "webhook", "headers", _, ..] => Some(
            "a header says where its value is, `{env: NAME}` or `{file: PATH}`, or what it is if that is no secret, `{value: TEXT}`",
        ),
        _ => None,
    }
}

/// A part of a document, as people would call it.
fn name(path: &[String]) -> String {
    let is_index = |part: &String| part.parse::<usize>().is_ok();
    match path {
        [] => "the document".to_string(),
        [above @ .., last] => match (last.parse::<usize>(), above.last().filter(|above| !is_index(above))) {
            (Ok(index), Some(list)) => format!("element {} of `{list}`", index + 1),
            (Ok(index), None) => format!("element {}", index + 1),
            (Err(_), _) => format!("`{last}`"),
        },
    }
}

/// What sort of word stands at a place where only some can.
fn sort(at: Option<&Node>) -> String {
    match at.map(|node| &node.path[..]) {
        Some([.., last]) if last == "op" => "operation".to_string(),
        Some([spec, fields, _]) if spec == "spec" && fields == "fields" => "kind".to_string(),
        Some([.., last]) if last.parse::<usize>().is_err() => last.clone(),
        _ => "word".to_string(),
    }
}

fn among(word: &str, known: &[&'static str]) -> String {
    if known.is_empty() {
        return String::new();
    }
    format!("; there are {}{}", known.join(", "), did_you_mean(word, known.iter().copied()))
}

/// The parser's name of what it wants, in the words of the documentation.
fn in_words(expected: &str) -> &str {
    match expected {
        "mapping start" | "a map" | "map" => "an object: `name: value` lines below it, or `{name: value}`",
        "sequence start" | "a sequence" | "seq" => "a list: `- ` lines below it, or `[a, b]`",
        "string scalar" | "scalar" | "a string" | "string" | "str" => "a text",
        "boolean" | "a boolean" | "bool" => "true or false",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "floating point" | "f32" | "f64" => "a number",
        expected if expected.starts_with("struct ") => {
            "an object: `name: value` lines below it, or `{name: value}`"
        }
        "mapping end" | "consumed event" | "tagged node" | "single YAML node" => "one thing, and no more",
        expected => expected.strip_prefix("expected ").unwrap_or(expected),
    }
}
