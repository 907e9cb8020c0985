//! What a kind of documents has to say about itself, so that the rest need not know it.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use super::Draft;
use crate::error::{Origin, Problems};
use crate::yaml;

/// A kind of documents, implemented by what such a document becomes.
pub(crate) trait DocumentKind: Sized + 'static {
    /// The kind's name, as it is written after `kind:`.
    const NAME: &'static str;
    /// Whether its documents become part of revisions; what is not is for `tributary test` and the like.
    const APPLIED: bool = true;
    /// What is written after `spec:`. Its doc comments are what editors show.
    type Spec: DeserializeOwned + JsonSchema;

    /// Takes `spec` as right by itself, or tells what is wrong with it. What is told without giving up goes to
    /// `problems` too: a document with problems never runs.
    fn read(spec: Self::Spec, document: &Text<'_>, problems: &mut Problems) -> Option<Self>;

    /// Puts it among what its tenant has, to be checked against the rest.
    fn add_to(self, draft: &mut Draft, origin: Origin);
}

/// A document whose `spec` is being read.
pub(crate) struct Text<'t> {
    pub(crate) name: &'t str,
    pub(crate) origin: &'t Origin,
    pub(crate) depth: Depth,
}

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// All there is to check, for who writes the documents.
    Whole,
    /// What is cheap: of a published revision, of which everything was checked when it was applied. Each process of a mesh takes
    /// it in, and none may be kept from that by what a later release finds wrong with examples.
    Published,
}

/// A document that is right by itself, on its way to its tenant.
pub(crate) type Read = Box<dyn FnOnce(&mut Draft, Origin)>;

/// A kind as the registry holds it.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) applied: bool,
    /// Reads the `spec` of a document.
    pub(crate) read: fn(yaml: &str, &Text<'_>, &mut Problems) -> Option<Read>,
    /// The schema of the `spec`.
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
}

impl Kind {
    pub(crate) const fn of<K: DocumentKind>() -> Kind {
        Kind {
            name: K::NAME,
            applied: K::APPLIED,
            read: |yaml, document, problems| {
                let spec = yaml::spec(yaml, document.origin, problems)?;
                let read = K::read(spec, document, problems)?;
                Some(Box::new(|draft, origin| read.add_to(draft, origin)))
            },
            schema: |generator| generator.subschema_for::<K::Spec>(),
        }
    }
}
