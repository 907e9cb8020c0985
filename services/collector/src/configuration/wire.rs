//! Documents, changes and revisions as messages, and what of them a caller may see.

use tributary_config::{Action, Document, DocumentChange, FieldChange};
use tributary_model::Value;
use tributary_proto::{convert, raw::RawValue, v1};
use tributary_storage::PastRevision;
use tributary_streams::StageReport;

use super::{Applied, Kept, Spread, history::Past};

/// What a caller is told in place of what concerns other tenants.
const OF_OTHERS: &str = "something that concerns another tenant; the log of that process says what";

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
        stages: spread.map(|spread| stages(spread, revision, tenants)).unwrap_or_default(),
        everywhere: spread.is_some_and(|spread| spread.everywhere),
    }
}

pub(crate) fn stages(spread: &Spread, in_force: &Kept, tenants: &[String]) -> Vec<v1::StageRevision> {
    // Problems name sources and secrets; whoever administers all tenants may read all of it.
    let sees_all = in_force.documents.iter().all(|document| tenants.contains(&document.tenant));
    let stage = |report: &StageReport| {
        let problem = report.problem.as_deref().unwrap_or_default();
        v1::StageRevision {
            stage: report.stage.clone(),
            instance: report.instance.clone(),
            revision: spread.name_of(report.number),
            problem: if sees_all { problem.to_owned() } else { of_tenants(problem, tenants) },
        }
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

/// The lines of a problem that name one of these tenants, and that there are others.
fn of_tenants(problem: &str, tenants: &[String]) -> String {
    let concerns = |line: &str| {
        let mut words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        words.by_ref().any(|word| word == "tenant")
            && words.next().is_some_and(|name| tenants.iter().any(|t| t == name))
    };
    let (mut theirs, others): (Vec<&str>, Vec<&str>) = problem.lines().partition(|line| concerns(line));
    if !others.is_empty() {
        theirs.push(OF_OTHERS);
    }
    theirs.join("\n")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_what_is_of_the_callers_tenants_and_hides_the_rest() {
        let problem = "Source website of tenant demo: TRIBUTARY_A is not set\n\
                       Source shop of tenant demo-2: TRIBUTARY_B is not set";
        let shown = of_tenants(problem, &["demo".to_owned()]);
        assert!(shown.contains("TRIBUTARY_A") && shown.ends_with(OF_OTHERS), "{shown}");
        assert!(!shown.contains("TRIBUTARY_B") && !shown.contains("demo-2"), "{shown}");
        assert_eq!(of_tenants("", &[]), "");
        assert_eq!(of_tenants("a.yaml:1:1: Mapping m: no", &["demo".to_owned()]), OF_OTHERS);
    }
}
