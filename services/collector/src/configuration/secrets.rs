//! References that a tenant must not make. Documents name secrets of the processes that run them, and whoever may apply a
//! document decides where a header goes: without this an administrator of one tenant could have another tenant's secrets sent
//! to a server of theirs, or have its payloads taken for their own. (The mesh's own settings cannot be named in any document:
//! that is checked with the documents.)

use std::{collections::HashSet, path::Path};

use serde_json::Value;
use tributary_config::{Document, SecretRef};

use super::{error::Wrong, judge::about};

/// What has no secrets. Any other kind may, also one that only a newer release knows; these are not looked into, since their
/// examples and values may be anything.
const WITHOUT_SECRETS: [&str; 4] = ["Fields", "Schema", "Mapping", "Scenario"];

/// The kind of which only the headers of requests are looked into: what nodes emit, set or answer may be anything, too.
const WORKFLOW: &str = "Workflow";

/// The kind whose secrets tell which tenant a payload is of.
const SOURCE: &str = "Source";

/// Those of `documents`, which their tenants will have, that refer to what is another tenant's. `before` are the documents that
/// the same tenants have, `foreign` all of other tenants.
pub(super) fn misused(documents: &[Document], before: &[Document], foreign: &[Document]) -> Vec<Wrong> {
    // Whoever administers two tenants may have them share a secret, and shows both keys for it once.
    let (own, taken) = (secrets(before), secrets(foreign));
    let their_keys = secrets(foreign.iter().filter(|document| document.kind == SOURCE));
    let mut wrong = Vec::new();
    for document in documents {
        for Reference { secret, written } in references(document) {
            let secret = secret.identity();
            let reason = if document.kind == SOURCE && their_keys.contains(&secret) {
                // Not even to be shared: every stage would refuse the two together.
                "is a write key of another tenant; every source needs its own"
            } else if taken.contains(&secret) && !own.contains(&secret) {
                "belongs to another tenant; give this one a name of its own"
            } else {
                continue;
            };
            wrong.push(about(document, &format!("{written} {reason}")));
        }
    }
    wrong
}

/// A reference to a secret, as far as that can be told without knowing more of the document.
struct Reference {
    secret: SecretRef,
    /// As the document has it.
    written: String,
}

fn secrets<'d>(documents: impl IntoIterator<Item = &'d Document>) -> HashSet<String> {
    documents.into_iter().flat_map(references).map(|reference| reference.secret.identity()).collect()
}

/// What the document's references mean.
#[cfg(test)]
pub(super) fn identities(document: &Document) -> Vec<String> {
    references(document).into_iter().map(|reference| reference.secret.identity()).collect()
}

/// Whatever looks like one. A document that this release would refuse for something else, which a newer one let through or an
/// older one did, protects its secrets all the same.
fn references(document: &Document) -> Vec<Reference> {
    let mut found = Vec::new();
    if !WITHOUT_SECRETS.contains(&&*document.kind)
        && let Ok(contents) = serde_saphyr::from_str_with_options::<Value>(&document.text, options())
    {
        if document.kind == WORKFLOW {
            requests(&contents["spec"]).for_each(|request| look_into(&request["headers"], &mut found));
        } else {
            look_into(&contents, &mut found);
        }
    }
    found
}

/// The `http` nodes of a workflow, those of a for-each's body among them: of one within another too, which this release does
/// not let through.
fn requests(graph: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    let nodes = graph["nodes"].as_array().into_iter().flatten();
    Box::new(nodes.flat_map(|node| node.get("http").into_iter().chain(requests_below(node))))
}

fn requests_below(node: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match node.get("for_each") {
        Some(body) => requests(body),
        None => Box::new(std::iter::empty()),
    }
}

/// As documents are read elsewhere: `yes` is a word.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! { with_snippet: false, strict_booleans: true }
}

fn look_into(value: &Value, found: &mut Vec<Reference>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| look_into(element, found)),
        Value::Object(fields) => {
            for (field, value) in fields {
                // A variable may be called `true`.
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Bool(word) => word.to_string(),
                    _ => {
                        look_into(value, found);
                        continue;
                    }
                };
                let secret = match field.as_str() {
                    "env" => SecretRef::Env(text.clone()),
                    // Taken apart and put together, as the documents' own paths are.
                    "file" => SecretRef::File(Path::new(&text).components().collect()),
                    _ => continue,
                };
                found.push(Reference { secret, written: text });
            }
        }
        _ => {}
    }
}
