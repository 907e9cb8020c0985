//! The kinds of documents. A new kind is a file beside this one with its [`DocumentKind`], a line in [`KINDS`], and where
//! others are to see its documents, a field of [`Draft`] that they are put in.

pub(crate) mod destination;
pub(crate) mod fields;
pub(crate) mod kind;
pub(crate) mod mapping;
pub(crate) mod scenario;
pub(crate) mod schema;
pub(crate) mod source;
pub(crate) mod workflow;

use tributary_expressions::did_you_mean;
use tributary_model::TenantId;

use crate::error::{Origin, Problems};
use crate::names;
use crate::yaml;

use kind::Kind;
pub(crate) use kind::{Depth, DocumentKind, Read, Text};

/// Every kind there is.
pub(crate) const KINDS: &[Kind] = &[
    Kind::of::<source::Source>(),
    Kind::of::<fields::Fields>(),
    Kind::of::<schema::Schema>(),
    Kind::of::<mapping::Mapping>(),
    Kind::of::<workflow::Workflow>(),
    Kind::of::<destination::Destination>(),
    Kind::of::<scenario::Scenario>(),
];

/// What belongs to a tenant, before the documents are checked against each other.
#[derive(Default)]
pub(crate) struct Draft {
    /// Of all its documents, those with errors included.
    pub(crate) origins: Vec<Origin>,
    /// Whether any Source is there, one with errors included.
    pub(crate) has_source: bool,
    /// Whether a Fields document could not be read: nothing is known of the kinds of paths then.
    pub(crate) lacks_fields: bool,
    /// Whether there are documents of which nobody knows what or whose they are: they may be its.
    pub(crate) lacks_documents: bool,
    pub(crate) sources: Vec<(Origin, source::Source)>,
    pub(crate) fields: Vec<(Origin, fields::Fields)>,
    pub(crate) schemas: Vec<(Origin, schema::Schema)>,
    pub(crate) mappings: Vec<(Origin, mapping::Mapping)>,
    pub(crate) workflows: Vec<(Origin, workflow::Workflow)>,
    pub(crate) destinations: Vec<destination::Destination>,
    pub(crate) scenarios: Vec<scenario::Scenario>,
}

/// What a document says about itself.
pub(crate) struct Heading {
    pub(crate) kind: &'static Kind,
    /// As it is written, which need not be a right one.
    pub(crate) name: String,
    /// `None` when its or the document's name is wrong.
    pub(crate) tenant: Option<TenantId>,
    /// The document's, with its name and the place of that.
    pub(crate) origin: Origin,
}

/// The kinds of documents that become part of revisions, as documents spell them.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().filter(|kind| kind.applied).map(|kind| kind.name)
}

/// Whether documents of this kind become part of revisions. Those of an unknown kind do, to be refused.
pub(crate) fn is_applied(kind: &str) -> bool {
    KINDS.iter().find(|known| known.name == kind).is_none_or(|known| known.applied)
}

/// Reads what a document says about itself; what is wrong goes to `problems`. `None` when its kind is not known.
pub(crate) fn heading(yaml: &str, file: &Origin, problems: &mut Problems) -> Option<Heading> {
    let mut origin = Origin { place: yaml::first_place(yaml), ..file.clone() };
    let head = yaml::head(yaml, &origin, problems)?;
    let name = head.name.value;
    let Some(kind) = KINDS.iter().find(|known| known.name == head.kind.value) else {
        let known = || KINDS.iter().map(|known| known.name);
        let reason = format!(
            "unknown kind {:?}; the kinds are {}{}",
            head.kind.value,
            known().collect::<Vec<_>>().join(", "),
            did_you_mean(&head.kind.value, known())
        );
        problems.add(&origin, head.kind.place, reason);
        return None;
    };
    origin.document = Some(format!("{} {name}", kind.name));
    origin.place = head.name.place;
    let mut named = true;
    if let Err(reason) = names::check_name("the name", &name) {
        problems.add(&origin, head.name.place, reason);
        named = false;
    }
    let (tenant, tenant_place) = match head.tenant {
        Some(tenant) => (tenant.value, tenant.place),
        None => (yaml::DEFAULT_TENANT.to_string(), origin.place),
    };
    if let Err(reason) = names::check_name("the tenant", &tenant) {
        problems.add(&origin, tenant_place, reason);
        named = false;
    }
    let tenant = TenantId::new(tenant).ok().filter(|_| named);
    Some(Heading { kind, name, tenant, origin })
}

/// Reads what a document says, by its kind; what is wrong goes to `problems`.
pub(crate) fn read(yaml: &str, heading: &Heading, depth: Depth, problems: &mut Problems) -> Option<Read> {
    (heading.kind.read)(yaml, &Text { name: &heading.name, origin: &heading.origin, depth }, problems)
}
