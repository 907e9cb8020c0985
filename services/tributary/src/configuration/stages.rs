//! Who runs which revision, and what to do about those that do not run the one in force.

use serde_json::{Value, json};
use tributary_config::number_of;
use tributary_proto::v1;
use tributary_servers::Stage;

use crate::out::{Style, Table};

/// Everybody, for people; why one does not run it is in the [`complaints`].
pub(super) fn table(stages: &[v1::StageRevision], revision: &str, style: Style) -> Table {
    let mut table = Table::with(["stage", "process", "runs"]);
    for stage in stages {
        let runs = if stage.revision.is_empty() { "none yet" } else { &stage.revision };
        let runs = if self::runs(stage, revision) { style.green(runs) } else { style.red(runs) };
        table.row([stage.stage.clone(), stage.instance.clone(), runs]);
    }
    table
}

/// Whether every stage has a process, and each runs the revision or one that was built on it.
pub(super) fn all_run(stages: &[v1::StageRevision], revision: &str) -> bool {
    let alive = |name: &str| stages.iter().any(|stage| stage.stage == name);
    Stage::ALL.iter().all(|stage| alive(stage.name())) && stages.iter().all(|stage| runs(stage, revision))
}

fn runs(stage: &v1::StageRevision, revision: &str) -> bool {
    let later = || number_of(&stage.revision) > number_of(revision);
    stage.revision == revision || (!stage.revision.is_empty() && later())
}

/// One line for each stage or process that does not run the revision, or lacks something: which, why, and what to do.
pub(super) fn complaints(stages: &[v1::StageRevision], revision: &str) -> Vec<String> {
    let absent = Stage::ALL
        .iter()
        .map(|stage| stage.name())
        .filter(|name| stages.iter().all(|stage| stage.stage != *name))
        .map(|name| format!("{name}: no process is alive; start one, and it runs the revision"));
    let behind = stages.iter().filter(|stage| !runs(stage, revision) || !stage.problem.is_empty()).map(|stage| {
        let who = format!("{} ({})", stage.stage, stage.instance);
        let problem = stage.problem.lines().collect::<Vec<_>>().join("\n    ");
        if runs(stage, revision) {
            return format!("{who} runs it, and lacks something:\n    {problem}\n    mend that and it is used by itself");
        }
        let runs = match &*stage.revision {
            "" => "runs none yet".to_owned(),
            older => format!("runs {older}"),
        };
        if stage.problem.is_empty() {
            format!("{who} {runs}, and has not said why: look at its log, or apply again to wait longer")
        } else {
            format!("{who} {runs}: {problem}; mend that and it takes the revision by itself")
        }
    });
    absent.chain(behind).collect()
}

/// For programs.
pub(super) fn for_programs(stages: &[v1::StageRevision]) -> Value {
    let one = |stage: &v1::StageRevision| {
        json!({
            "stage": stage.stage,
            "instance": stage.instance,
            "revision": stage.revision,
            "problem": stage.problem,
        })
    };
    stages.iter().map(one).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::configuration) fn stage(name: &str, revision: &str, problem: &str) -> v1::StageRevision {
        v1::StageRevision {
            stage: name.into(),
            instance: "a1".into(),
            revision: revision.into(),
            problem: problem.into(),
        }
    }

    #[test]
    fn who_does_not_run_it_is_named_with_the_reason_and_what_to_do() {
        let stages = [
            stage("ingest", "2-b", ""),
            stage("preprocess", "2-b", ""),
            stage("workflow", "1-a", ""),
            stage("collector", "2-b", ""),
            stage("dispatcher", "", "Destination crm: environment variable CRM_TOKEN is not set"),
        ];
        let said = complaints(&stages, "2-b");
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("workflow (a1) runs 1-a"), "{said:?}");
        assert!(said[1].contains("dispatcher (a1) runs none yet: Destination crm"), "{said:?}");
        let lacking = [stage(
            "dispatcher",
            "3-c",
            "demo: Destination crm: it is missing\ndemo: Source app: so is that",
        )];
        let said = complaints(&lacking, "2-b").join("\n");
        assert!(
            said.contains(
                "(a1) runs it, and lacks something:\n    demo: Destination crm: it is missing\n    demo: So"
            ),
            "{said}"
        );
        assert!(!all_run(&lacking, "2-b"), "four stages have no process");
        assert!(
            complaints(&stages[..4], "2-b").iter().any(|line| line.starts_with("dispatcher: no process"))
        );
    }
}
