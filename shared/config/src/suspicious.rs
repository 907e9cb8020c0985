//! What is allowed and yet probably a mistake: words that nothing checks, because any word could be meant, and that are
//! one or two letters away from another one. It is told and keeps nobody from anything.

mod keywords;
mod operands;
mod types;

use std::collections::BTreeMap;

use tributary_model::TenantId;

use crate::document::Document;
use crate::documents::{DocumentKind, Draft, schema::Schema};
use crate::error::{ConfigError, Place};
use crate::yaml::places::{self, Node};

/// The most that is told: who has more has other habits.
const MAX_TOLD: usize = 100;

/// What is suspicious about `documents`, which became `drafts`; by file and line, at most [`MAX_TOLD`].
pub(crate) fn of(drafts: &BTreeMap<TenantId, Draft>, documents: &[Document]) -> Vec<ConfigError> {
    let mut told = Vec::new();
    // Where it stands, by what `find` says of a node.
    let mut tell = |document: &Document, find: &dyn Fn(&Node) -> Option<Place>, reason: String| {
        let place = places::nodes(&document.text).iter().find_map(find);
        let place = place.unwrap_or(Place { line: 1, column: 1 });
        let name = format!("{} {}", document.kind, document.name);
        told.push(document.origin().error(place, Some(name), reason));
    };
    for (tenant, draft) in drafts {
        let named = |kind: &str, name: &str| {
            documents.iter().find(|document| document.identity() == (tenant.as_str(), kind, name))
        };
        for suspect in types::of(draft) {
            let Some(document) = named(suspect.kind, suspect.name) else { continue };
            let of_types = |node: &Node| {
                node.path.iter().any(|part| ["events", "event", "type"].contains(&part.as_str()))
            };
            let is_meant = |node: &Node| of_types(node) && node.text.as_deref() == Some(suspect.event_type);
            tell(document, &|node| is_meant(node).then_some(node.place), suspect.reason());
        }
    }
    for document in documents.iter().filter(|document| document.kind == Schema::NAME) {
        for (path, reason) in keywords::of(&document.text) {
            tell(document, &|node| (node.path == path).then_some(node.name_place), reason);
        }
    }
    for (origin, workflow) in drafts.values().flat_map(|draft| &draft.workflows) {
        let of_operands = operands::of(workflow, origin).into_iter();
        told.extend(of_operands.map(|(place, reason)| origin.error(place, origin.document.clone(), reason)));
    }
    told.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    told.truncate(MAX_TOLD);
    told
}

#[cfg(test)]
mod tests;
