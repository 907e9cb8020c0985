//! What applying documents changes: the difference between what is configured and what is wanted.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diff;
use crate::document::{Document, Identity};
use crate::documents;

/// What applying changes, and what is configured afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What happens to which document, by tenant, kind and name.
    pub changes: Vec<DocumentChange>,
    /// How many of the wanted documents are configured already as they are.
    pub unchanged: usize,
    /// How many configured documents of these tenants are not among the wanted ones and stay.
    pub kept: usize,
    /// All documents afterwards, those of other tenants included, by tenant, kind and name. Where nothing changed it is the
    /// document that was configured, with the file it came from then. A document that is wanted twice is there twice:
    /// checking the result tells it.
    pub documents: Vec<Document>,
}

/// What happens to one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DocumentChange {
    /// Who owns it.
    pub tenant: String,
    /// What sort of document it is.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What happens to it.
    pub action: Action,
    /// For a change: the fields that differ, by path.
    pub fields: Vec<FieldChange>,
}

/// What happens to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is new.
    Create,
    /// It says something else than before.
    Change,
    /// It goes.
    Delete,
}

/// A field of a document that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Dotted, with places of lists in brackets, such as `spec.changes[2].op`.
    pub path: String,
    /// As it was; `None` for one that is new.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub before: Option<Value>,
    /// As it is now; `None` for one that goes.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub after: Option<Value>,
}

/// What applying `wanted` changes about `current`. With `prune`, documents of the wanted ones' tenants that are not
/// wanted are deleted; documents of other tenants always stay. What is never applied, such as a Scenario, counts nowhere.
#[must_use]
pub fn plan(current: &[Document], wanted: &[Document], prune: bool) -> Plan {
    let tenants = wanted.iter().map(|document| document.tenant.clone()).collect();
    plan_for(&tenants, current, wanted, prune)
}

/// Like [`plan`] with the tenants named: with `prune`, one of them that wants no document at all loses all it has.
#[must_use]
pub fn plan_for(tenants: &BTreeSet<String>, current: &[Document], wanted: &[Document], prune: bool) -> Plan {
    let applied = |document: &&Document| documents::is_applied(&document.kind);
    let mut before: BTreeMap<Identity<'_>, &Document> =
        current.iter().filter(applied).map(|document| (document.identity(), document)).collect();
    let mut plan = Plan { changes: Vec::new(), unchanged: 0, kept: 0, documents: Vec::new() };
    for document in wanted.iter().filter(applied) {
        let Some(was) = before.remove(&document.identity()) else {
            plan.changes.push(change(document, Action::Create, Vec::new()));
            plan.documents.push(document.clone());
            continue;
        };
        let fields = diff::fields(&was.contents(), &document.contents());
        if fields.is_empty() {
            plan.unchanged += 1;
            plan.documents.push(was.clone());
        } else {
            plan.changes.push(change(document, Action::Change, fields));
            plan.documents.push(document.clone());
        }
    }
    for document in before.into_values() {
        let asked_about = tenants.contains(&document.tenant);
        if asked_about && prune {
            plan.changes.push(change(document, Action::Delete, Vec::new()));
            continue;
        }
        plan.kept += usize::from(asked_about);
        plan.documents.push(document.clone());
    }
    plan.documents.sort_by(|a, b| a.identity().cmp(&b.identity()));
    plan.changes.sort_by(|a, b| (&a.tenant, &a.kind, &a.name).cmp(&(&b.tenant, &b.kind, &b.name)));
    plan
}

fn change(document: &Document, action: Action, fields: Vec<FieldChange>) -> DocumentChange {
    DocumentChange {
        tenant: document.tenant.clone(),
        kind: document.kind.clone(),
        name: document.name.clone(),
        action,
        fields,
    }
}

/// A `null` that is there is a value, not an absent field.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests;
