//! Whether what is to be configured is right. A tenant's documents are judged alone: what is wrong with another's, which a
//! newer release may say of documents that an older one let through, does not hinder this tenant from applying, and is not
//! told to it. (A stage of such a release refuses the revision as a whole: it runs all tenants or none.) What tenants can do
//! to each other is judged over all documents: whose secrets are named, `secrets.rs`.

use std::collections::{BTreeMap, HashSet};

use tributary_config::{Config, ConfigError, Document, Plan};

use super::{
    Kept,
    apply::Intent,
    error::{ConfigurationError, Wrong},
    request::within_limits,
    secrets,
};

/// A kind that is there to be tested and never to be configured.
const SCENARIO: &str = "Scenario";

pub(super) fn judge(current: &Kept, intent: &Intent, plan: &Plan) -> Result<(), ConfigurationError> {
    if let Some(wrong) = scenarios(&intent.documents) {
        return Err(ConfigurationError::Invalid(wrong));
    }
    if plan.changes.is_empty() {
        return Ok(());
    }
    each_within_limits(intent, plan)?;
    let documents = afterwards(current, intent);
    Config::from_documents(&documents)
        .map_err(|errors| ConfigurationError::Invalid(errors.errors().iter().map(wrong).collect()))?;
    let (before, foreign): (Vec<Document>, Vec<Document>) =
        current.documents.iter().cloned().partition(|document| intent.tenants.contains(&document.tenant));
    let misused = secrets::misused(&documents, &before, &foreign);
    if misused.is_empty() { Ok(()) } else { Err(ConfigurationError::Invalid(misused)) }
}

fn scenarios(documents: &[Document]) -> Option<Vec<Wrong>> {
    let wrong: Vec<Wrong> = documents
        .iter()
        .filter(|document| document.kind == SCENARIO)
        .map(|document| about(document, "scenarios are tested (tributary test) and not applied"))
        .collect();
    (!wrong.is_empty()).then_some(wrong)
}

/// Something about a document as a whole.
pub(super) fn about(document: &Document, reason: &str) -> Wrong {
    Wrong {
        place: format!("{}:{}:1", document.file, document.line),
        what: format!("{} {}: {reason}", document.kind, document.name),
    }
}

fn wrong(error: &ConfigError) -> Wrong {
    let place = match error.line {
        0 => error.file.clone(),
        line => format!("{}:{line}:{}", error.file, error.column),
    };
    let what = match &error.document {
        Some(document) => format!("{document}: {}", error.reason),
        None => error.reason.clone(),
    };
    Wrong { place, what }
}

/// Many small requests may not add up to more than a large one may have.
fn each_within_limits(intent: &Intent, plan: &Plan) -> Result<(), ConfigurationError> {
    let mut sizes: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for document in plan.documents.iter().filter(|document| intent.tenants.contains(&document.tenant)) {
        let size = sizes.entry(&document.tenant).or_default();
        *size = (size.0 + 1, size.1 + document.text.len());
    }
    for (tenant, (documents, text)) in sizes {
        within_limits(documents, text, &format!("tenant {tenant}"))?;
    }
    Ok(())
}

/// The documents that these tenants will have: those of the request as they are written there, so that places are those of
/// the caller's files, and the others marked as not being among them.
fn afterwards(current: &Kept, intent: &Intent) -> Vec<Document> {
    let identity =
        |document: &Document| (document.tenant.clone(), document.kind.clone(), document.name.clone());
    let wanted: HashSet<_> = intent.documents.iter().map(identity).collect();
    let mut documents = intent.documents.clone();
    if !intent.prune {
        let stays = current.documents.iter().filter(|document| {
            intent.tenants.contains(&document.tenant) && !wanted.contains(&identity(document))
        });
        documents.extend(stays.map(|document| Document {
            file: format!("(configured) {}", document.file),
            ..document.clone()
        }));
    }
    documents
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
