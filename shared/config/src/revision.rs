//! A revision: all documents of all tenants at one time, and the name of that state.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tributary_model::canonical_text;

use crate::document::Document;
use crate::documents;

/// How many hex digits of the digest a revision's name shows.
const SHOWN_DIGITS: usize = 8;

/// What all tenants have configured at one time: by tenant, kind and name, and only what is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Later ones have greater numbers; 0 was never applied.
    pub number: u64,
    /// The documents, in the order of tenant, kind and name.
    pub documents: Vec<Document>,
}

impl Revision {
    /// A revision of these documents: sorted, and without those that are never applied, such as a Scenario.
    #[must_use]
    pub fn new(number: u64, mut documents: Vec<Document>) -> Revision {
        documents.retain(|document| documents::is_applied(&document.kind));
        documents.sort_by(|a, b| a.identity().cmp(&b.identity()));
        Revision { number, documents }
    }

    /// Its name, such as `12-3fa9c1d2`: the number, and the beginning of a digest of what the documents say. How they
    /// are written and which files hold them does not count.
    #[must_use]
    pub fn id(&self) -> String {
        id(self.number, &self.documents)
    }

    /// The revision as JSON, for whoever runs it or keeps it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers are always JSON")
    }

    /// Reads what [`Revision::to_bytes`] wrote.
    ///
    /// # Errors
    /// In words, when it is something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Revision, String> {
        let read: Revision = serde_json::from_slice(bytes).map_err(|error| {
            // The parser's own text quotes what it read.
            format!("not a revision: line {}, column {}", error.line(), error.column())
        })?;
        Ok(Revision::new(read.number, read.documents))
    }
}

/// The number of a revision that is given by its name or by the number alone: 12 of `12-3fa9c1d2` and of `12`.
#[must_use]
pub fn number_of(revision: &str) -> Option<u64> {
    let (number, digest) = revision.split_once('-').unwrap_or((revision, "0"));
    let digits = |text: &str, fits: fn(&u8) -> bool| !text.is_empty() && text.as_bytes().iter().all(fits);
    let written_right = digits(number, u8::is_ascii_digit) && digits(digest, u8::is_ascii_hexdigit);
    number.parse().ok().filter(|_| written_right)
}

/// The name of the revision `number` of these documents, in any order.
pub(crate) fn id(number: u64, documents: &[Document]) -> String {
    let mut applied: Vec<&Document> =
        documents.iter().filter(|document| documents::is_applied(&document.kind)).collect();
    applied.sort_by(|a, b| a.identity().cmp(&b.identity()));
    let mut hash = Sha256::new();
    for document in applied {
        let contents = canonical_text(&document.contents());
        let (tenant, kind, name) = document.identity();
        for part in [tenant, kind, name, &contents] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    let digest: String =
        hash.finalize().iter().take(SHOWN_DIGITS / 2).map(|byte| format!("{byte:02x}")).collect();
    format!("{number}-{digest}")
}

#[cfg(test)]
mod tests;
