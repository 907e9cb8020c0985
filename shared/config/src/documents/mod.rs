//! The kinds of documents. A new kind is a file beside this one, a line in [`KINDS`], a variant of
//! [`Document`] and its place in [`Document::add_to`].

pub(crate) mod destination;
pub(crate) mod fields;
pub(crate) mod mapping;
pub(crate) mod source;
pub(crate) mod workflow;

use std::path::Path;

use tributary_model::TenantId;

use crate::error::{Origin, Problems};
use crate::names;
use crate::yaml;

/// The kind of document a tenant cannot do without.
pub(crate) const SOURCE: &str = "Source";

/// Every kind by its name, and what reads its `spec`.
const KINDS: [(&str, Reader); 5] = [
    (SOURCE, source::read),
    ("Fields", fields::read),
    ("Mapping", mapping::read),
    ("Workflow", workflow::read),
    ("Destination", destination::read),
];

type Reader = fn(&Text<'_>, &mut Problems) -> Option<Document>;

/// A document that was read and is right by itself.
pub(crate) enum Document {
    Source(source::Source),
    Fields(fields::Fields),
    Mapping(mapping::Mapping),
    Workflow(workflow::Workflow),
    Destination(destination::Destination),
}

/// What belongs to a tenant, before the documents are checked against each other.
#[derive(Default)]
pub(crate) struct Draft {
    /// Of all its documents, those with errors included.
    pub(crate) origins: Vec<Origin>,
    pub(crate) has_source: bool,
    pub(crate) sources: Vec<source::Source>,
    pub(crate) fields: Vec<(Origin, fields::Fields)>,
    pub(crate) mappings: Vec<(Origin, mapping::Mapping)>,
    pub(crate) workflows: Vec<(Origin, workflow::Workflow)>,
    pub(crate) destinations: Vec<destination::Destination>,
}

impl Document {
    pub(crate) fn add_to(self, draft: &mut Draft, origin: Origin) {
        match self {
            Document::Source(source) => draft.sources.push(source),
            Document::Fields(fields) => draft.fields.push((origin, fields)),
            Document::Mapping(mapping) => draft.mappings.push((origin, mapping)),
            Document::Workflow(workflow) => draft.workflows.push((origin, workflow)),
            Document::Destination(destination) => draft.destinations.push(destination),
        }
    }
}

/// A document's text and what its head says.
pub(crate) struct Text<'t> {
    pub(crate) yaml: &'t str,
    pub(crate) name: &'t str,
    pub(crate) origin: &'t Origin,
    /// The configuration's directory.
    pub(crate) dir: &'t Path,
}

/// A document with its identity and place. `document` is `None` when only its head could be read: its name
/// still counts, so that nothing is said twice.
pub(crate) struct Entry {
    pub(crate) kind: String,
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) document: Option<Document>,
}

/// Reads one document; what is wrong goes to `problems`.
pub(crate) fn read(yaml: &str, file: &Origin, dir: &Path, problems: &mut Problems) -> Option<Entry> {
    let mut origin = Origin { place: yaml::first_place(yaml), ..file.clone() };
    let head = yaml::head(yaml, &origin, problems)?;
    let (kind, name) = (head.kind.value, head.name.value);
    let Some((_, reader)) = KINDS.iter().find(|(known, _)| *known == kind) else {
        let known: Vec<&str> = KINDS.iter().map(|(known, _)| *known).collect();
        let reason = format!("unknown kind {kind:?}; the kinds are {}", known.join(", "));
        problems.add(&origin, head.kind.referenced.into(), reason);
        return None;
    };
    origin.document = Some(format!("{kind} {name}"));
    origin.place = head.name.referenced.into();
    let mut named = true;
    if let Err(reason) = names::check_name("the name", &name) {
        problems.add(&origin, head.name.referenced.into(), reason);
        named = false;
    }
    let (tenant, tenant_place) = match head.tenant {
        Some(tenant) => (tenant.value, tenant.referenced.into()),
        None => ("default".to_string(), origin.place),
    };
    if let Err(reason) = names::check_name("the tenant", &tenant) {
        problems.add(&origin, tenant_place, reason);
        named = false;
    }
    let document = reader(&Text { yaml, name: &name, origin: &origin, dir }, problems);
    let tenant = TenantId::new(tenant).ok().filter(|_| named)?;
    Some(Entry { kind, tenant, name, origin, document })
}
