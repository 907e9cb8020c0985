//! Documents, changes and revisions as messages, and what of them a caller may see.

use tributary_config::{Action, Document, DocumentChange, FieldChange};
use tributary_model::Value;
use tributary_proto::{convert, raw::RawValue, v1};
use tributary_storage::PastRevision;
use tributary_streams::StageReport;

use super::{Applied, Spread, history::Past, problems};

pub(crate) fn document(document: &Document) -> v1::Document {
    let Document { tenant, kind, name, file, line, text } = document.clone();
    v1::Document { tenant, kind, name, file, line, text }
}

/// What was applied, and how far it has come; nothing of the stages for a dry run.
pub(crate) fn applied(applied: &Applied, spread: Option<&Spread>, tenants: &[String]) -> v1::ApplyResponse {
    let Applied { changes: changed, unchanged, kept, revision } = applied;
    v1::ApplyResponse {
        changes: changes(changed),
        unchanged: count(*unchanged),
        kept: count(*kept),
        revision: revision.id.clone(),
        stages: spread.map(|spread| stages(spread, tenants)).unwrap_or_default(),
        everywhere: spread.is_some_and(|spread| spread.everywhere),
    }
}

/// Who runs what. Whatever was asked for, and whoever asks, problems are shown of these tenants.
pub(crate) fn stages(spread: &Spread, tenants: &[String]) -> Vec<v1::StageRevision> {
    let stage = |report: &StageReport| v1::StageRevision {
        stage: report.stage.clone(),
        instance: report.instance.clone(),
        revision: report.revision.clone(),
        problem: problems::shown(
            report.problem.as_deref().unwrap_or_default(),
            report.problem_number,
            tenants,
        ),
    };
    spread.reports.iter().map(stage).collect()
}

pub(crate) fn past(past: &Past) -> v1::Revision {
    let PastRevision { id, created, note, .. } = &past.revision;
    v1::Revision {
        revision: id.clone(),
        created: Some(convert::time_to_wire(*created)),
        changes: changes(&past.changes),
        note: note.clone(),
    }
}

fn changes(changes: &[DocumentChange]) -> Vec<v1::DocumentChange> {
    changes.iter().map(change).collect()
}

fn change(change: &DocumentChange) -> v1::DocumentChange {
    let action = match change.action {
        Action::Create => v1::DocumentAction::Create,
        Action::Change => v1::DocumentAction::Change,
        Action::Delete => v1::DocumentAction::Delete,
    };
    v1::DocumentChange {
        tenant: change.tenant.clone(),
        kind: change.kind.clone(),
        name: change.name.clone(),
        action: action.into(),
        fields: change.fields.iter().map(field).collect(),
    }
}

fn field(change: &FieldChange) -> v1::FieldChange {
    let value = |value: &Option<Value>| value.as_ref().map(RawValue::from_json);
    v1::FieldChange { path: change.path.clone(), before: value(&change.before), after: value(&change.after) }
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
