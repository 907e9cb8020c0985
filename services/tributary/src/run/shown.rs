//! What became of a run.

use anyhow::Context as _;
use serde_json::{Value, json};
use tributary_proto::{raw::RawValue, v1};

use crate::{
    out::{self, Style},
    read,
};

/// For people.
pub(super) fn text(answer: &v1::RunResponse, style: Style) -> anyhow::Result<()> {
    for run in &answer.runs {
        out::line(workflow(run, style)?)?;
    }
    let revision = &answer.revision;
    match answer.state() {
        v1::RunState::Dry if answer.runs.is_empty() => {
            out::line(format_args!("no workflow is triggered by it, under revision {revision}"))?;
        }
        v1::RunState::Dry => out::line(format_args!(
            "\nnothing was written; with what the workflows do, under revision {revision}, the profile would be:"
        ))?,
        _ => out::line(format_args!("event {}, under revision {revision}", answer.event_id))?,
    }
    answer.profile.as_ref().map_or(Ok(()), |profile| out::line(read::profile_text(profile)?))
}

/// What was put up with: beside the output, for people.
pub(super) fn notes(answer: &v1::RunResponse, style: Style) {
    for warning in &answer.warnings {
        out::note(note(warning, style));
    }
}

fn note(warning: &v1::Warning, style: Style) -> String {
    let code = warning_code(warning);
    let place = if warning.path.is_empty() { String::new() } else { format!("{}: ", warning.path) };
    format!("{}: {place}{} ({code})", style.yellow("note"), out::short(&warning.message, usize::MAX))
}

fn warning_code(warning: &v1::Warning) -> &'static str {
    let name = warning.code().as_str_name();
    name.strip_prefix("WARNING_CODE_").unwrap_or(name)
}

/// For programs.
pub(super) fn for_programs(answer: &v1::RunResponse) -> anyhow::Result<Value> {
    let mut runs = Vec::new();
    for run in &answer.runs {
        let mut changes = Vec::new();
        for change in &run.changes {
            changes.push(json!({
                "path": change.path,
                "operation": operation(change),
                "value": operand(change)?,
            }));
        }
        let step = |step: &v1::StepRun| json!({"name": step.name, "taken": step.taken, "missing": step.missing, "refused": step.refused});
        runs.push(json!({
            "workflow": run.workflow,
            "event_type": run.event_type,
            "changes": changes,
            "emits": run.emits,
            "steps": run.steps.iter().map(step).collect::<Vec<_>>(),
            "failure": run.failure,
        }));
    }
    let warning = |warning: &v1::Warning| json!({"code": warning_code(warning), "path": warning.path, "message": warning.message});
    Ok(json!({
        "event_id": answer.event_id,
        "state": word(answer.state().as_str_name(), "RUN_STATE_"),
        "revision": answer.revision,
        "runs": runs,
        "profile": answer.profile.as_ref().map(read::profile).transpose()?,
        "warnings": answer.warnings.iter().map(warning).collect::<Vec<_>>(),
    }))
}

fn workflow(run: &v1::WorkflowRun, style: Style) -> anyhow::Result<String> {
    let mut lines = vec![style.bold(format_args!("workflow {}", run.workflow))];
    if !run.event_type.is_empty() {
        lines[0].push_str(&format!(" for {}", out::short(&run.event_type, 128)));
    }
    for (number, step) in (1..).zip(&run.steps) {
        let name = if step.name.is_empty() { format!("step {number}") } else { step.name.clone() };
        let taken = match (step.taken, &*step.missing) {
            (true, _) => style.green("taken"),
            (false, "") => style.dim("not taken"),
            (false, missing) => style.yellow(format_args!("not taken: {missing} is missing")),
        };
        lines.push(format!("  {name}: {taken}"));
        lines.extend(step.refused.iter().map(|refused| format!("    {}", style.red(refused))));
    }
    for change in &run.changes {
        let operand = operand(change)?.map(|value| format!(" {value}")).unwrap_or_default();
        lines.push(format!("  {} {}{operand}", change.path, operation(change)));
    }
    lines.extend(run.emits.iter().map(|emitted| format!("  emits {emitted}")));
    if !run.failure.is_empty() {
        lines.push(format!("  {}", style.red(format_args!("fails, and does nothing: {}", run.failure))));
    }
    Ok(lines.join("\n"))
}

fn operation(change: &v1::Change) -> String {
    word(change.operation().as_str_name(), "OPERATION_")
}

fn operand(change: &v1::Change) -> anyhow::Result<Option<Value>> {
    change.value.as_ref().map(RawValue::to_json).transpose().context("what the mesh answered cannot be read")
}

/// A name of the contract as documents spell it.
fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::out::Color;

    #[test]
    fn a_run_tells_each_step_what_it_changes_and_what_was_missing() {
        let step = |name: &str, taken, missing: &str| v1::StepRun {
            name: name.into(),
            taken,
            missing: missing.into(),
            refused: Vec::new(),
        };
        let change = v1::Change {
            path: "loyalty.points".into(),
            operation: v1::Operation::Increment.into(),
            value: Some(RawValue::from_json(&json!(100))),
            ..v1::Change::default()
        };
        let run = v1::WorkflowRun {
            workflow: "loyal-customer".into(),
            changes: vec![change],
            emits: vec!["became-loyal".into()],
            steps: vec![step("welcome", true, ""), step("", false, "profile.segments")],
            failure: String::new(),
            event_type: "purchase".into(),
        };
        assert_eq!(
            workflow(&run, Style::new(Color::Never, false)).unwrap(),
            "workflow loyal-customer for purchase
  welcome: taken
  step 2: not taken: profile.segments is missing
  loyalty.points increment 100
  emits became-loyal"
        );
    }

    #[test]
    fn a_warning_is_told_with_its_place_and_its_code_to_people_and_programs() {
        let warning = v1::Warning {
            code: v1::WarningCode::ProfileReplaced.into(),
            path: "profile_id".into(),
            message: "it was replaced".into(),
        };
        let plain = Style::new(Color::Never, false);
        assert_eq!(note(&warning, plain), "note: profile_id: it was replaced (PROFILE_REPLACED)");
        let answer = v1::RunResponse { warnings: vec![warning], ..v1::RunResponse::default() };
        let shown = for_programs(&answer).unwrap();
        assert_eq!(shown["warnings"][0]["code"], "PROFILE_REPLACED");
    }
}
