//! What became of a run.

use serde_json::{Value, json};
use tributary_proto::v1;

use crate::{
    out::{self, Style},
    read, runs,
};

/// For people.
pub(super) fn text(answer: &v1::RunResponse, style: Style) -> anyhow::Result<()> {
    for run in &answer.runs {
        out::line(runs::text(run, style)?)?;
    }
    for passed in &answer.not_triggered {
        out::line(runs::passed_over(passed, style))?;
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
    // Of a single run that is said with it.
    if let Some(response) = runs::object(answer.response.as_ref())?.filter(|_| answer.runs.len() != 1) {
        out::line(format_args!("answer             {response}"))?;
    }
    answer.profile.as_ref().map_or(Ok(()), |profile| out::line(read::profile_text(profile)?))
}

/// For programs.
pub(super) fn for_programs(answer: &v1::RunResponse) -> anyhow::Result<Value> {
    let runs: anyhow::Result<Vec<Value>> = answer.runs.iter().map(runs::for_programs).collect();
    Ok(json!({
        "event_id": answer.event_id,
        "state": runs::word(answer.state().as_str_name(), "RUN_STATE_"),
        "revision": answer.revision,
        "runs": runs?,
        "not_triggered": runs::not_triggered(&answer.not_triggered),
        "response": runs::object(answer.response.as_ref())?,
        "profile": answer.profile.as_ref().map(read::profile).transpose()?,
        "warnings": runs::warnings(&answer.warnings),
    }))
}
