//! What became of an apply or a roll-back: the changes, the revision, and whether all of the mesh runs it.

use std::{path::PathBuf, time::Duration};

use serde_json::json;
use tributary_proto::v1;

use super::{plan, stages};
use crate::out::{self, Style};

/// How it was asked for.
pub(super) struct Asked {
    pub(super) dry_run: bool,
    pub(super) json: bool,
    pub(super) wait: Duration,
    /// The changes are on the terminal already.
    pub(super) shown: bool,
    /// Where the stages find secrets, if they are of this machine.
    pub(super) secrets: Option<PathBuf>,
}

/// Shows it.
///
/// # Errors
/// A part of the mesh that was waited for does not run the revision.
pub(super) fn show(answer: &v1::ApplyResponse, asked: &Asked, style: Style) -> anyhow::Result<()> {
    if asked.json {
        let mut shown = json!({
            "dry_run": asked.dry_run,
            "changes": plan::for_programs(&answer.changes)?,
            "unchanged": answer.unchanged,
            "kept": answer.kept,
            "revision": answer.revision,
        });
        if !asked.dry_run {
            shown["everywhere"] = answer.everywhere.into();
            shown["stages"] = stages::for_programs(&answer.stages);
        }
        out::json(&shown)?;
    } else {
        if !asked.shown {
            changes(answer, style)?;
        }
        out::line(standing(answer, asked, style))?;
        let behind = !asked.dry_run && !answer.everywhere && !asked.wait.is_zero();
        if behind && !answer.stages.is_empty() {
            out::line(stages::table(&answer.stages, &answer.revision, style))?;
        }
    }
    // Who does not wait does not ask.
    if asked.dry_run || answer.everywhere || asked.wait.is_zero() {
        return Ok(());
    }
    let mut complaints = stages::complaints(&answer.stages, &answer.revision);
    let of_secrets = complaints.iter().any(|complaint| complaint.contains("TRIBUTARY_SECRETS"));
    if let Some(secrets) = asked.secrets.as_ref().filter(|_| of_secrets) {
        complaints.push(format!("$TRIBUTARY_SECRETS is {} here: a file for each name", secrets.display()));
    }
    anyhow::bail!(
        "revision {} is in force, and not all is well with it:\n  {}\n  to go back: tributary rollback, with a revision of `tributary history`",
        answer.revision,
        complaints.join("\n  ")
    )
}

/// Whether something goes.
pub(super) fn deletes(plan: &v1::ApplyResponse) -> bool {
    plan.changes.iter().any(|change| change.action() == v1::DocumentAction::Delete)
}

/// The diff, and the counts below it.
pub(super) fn changes(answer: &v1::ApplyResponse, style: Style) -> anyhow::Result<()> {
    if !answer.changes.is_empty() {
        out::line(plan::text(&answer.changes, style)?)?;
    }
    out::line(counts(answer))
}

fn counts(answer: &v1::ApplyResponse) -> String {
    let mut parts = match &*plan::counts(&answer.changes) {
        "" => vec!["nothing to change".to_owned()],
        counts => vec![counts.to_owned()],
    };
    if answer.unchanged > 0 {
        parts.push(format!("{} unchanged", answer.unchanged));
    }
    if answer.kept > 0 {
        parts.push(format!("{} kept that the directory does not have (--prune deletes them)", answer.kept));
    }
    parts.join(", ")
}

fn standing(answer: &v1::ApplyResponse, asked: &Asked, style: Style) -> String {
    let revision = match &*answer.revision {
        "" => "none",
        revision => revision,
    };
    if asked.dry_run {
        format!("a dry run: nothing was changed; revision {revision} is in force")
    } else if answer.everywhere {
        format!("revision {} is in force, and all stages run it", style.green(revision))
    } else if asked.wait.is_zero() {
        format!("revision {revision} is in force; it was not waited for the stages")
    } else if stages::all_run(&answer.stages, revision) {
        format!(
            "revision {revision} is in force, all stages run it, and {}",
            style.red("something is missing")
        )
    } else {
        format!("revision {revision} is in force, and {}", style.red("not all stages run it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{configuration::plan::tests::change, configuration::stages::tests::stage, out::Color};

    fn asked(wait: u64) -> Asked {
        Asked { dry_run: false, json: false, wait: Duration::from_secs(wait), shown: false, secrets: None }
    }

    fn shown(answer: &v1::ApplyResponse, asked: &Asked) -> anyhow::Result<()> {
        show(answer, asked, Style::new(Color::Never, false))
    }

    #[test]
    fn a_stage_that_does_not_run_it_is_a_failure_unless_nobody_waits() {
        let answer = v1::ApplyResponse {
            changes: vec![change("m", v1::DocumentAction::Create)],
            revision: "2-b".into(),
            stages: vec![stage("workflow", "1-a", "the secret is missing")],
            ..v1::ApplyResponse::default()
        };
        let said = shown(&answer, &asked(10)).unwrap_err().to_string();
        assert!(said.contains("workflow (a1) runs 1-a: the secret is missing"), "{said}");
        assert!(said.contains("tributary rollback"), "{said}");
        assert!(!said.contains("a file for each name"), "no secret is missing: {said}");
        assert!(shown(&answer, &asked(0)).is_ok());
        let everywhere = v1::ApplyResponse { everywhere: true, ..answer };
        assert!(shown(&everywhere, &asked(10)).is_ok());
    }

    #[test]
    fn what_stays_although_it_is_not_in_the_directory_is_said() {
        let answer = v1::ApplyResponse { unchanged: 11, kept: 3, ..v1::ApplyResponse::default() };
        assert_eq!(
            counts(&answer),
            "nothing to change, 11 unchanged, 3 kept that the directory does not have (--prune deletes them)"
        );
    }
}
