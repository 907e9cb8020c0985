//! An explanation: of what event, whether it took place, how each run came to its end, and what was answered.

use serde_json::{Value, json};
use tributary_proto::v1;

use crate::{
    out::{self, Style},
    read, runs,
};

/// For people.
///
/// # Errors
/// What the mesh answered cannot be read.
pub(super) fn text(
    answer: &v1::ExplainResponse,
    event_id: Option<&str>,
    style: Style,
) -> anyhow::Result<String> {
    let revision = &answer.revision;
    let mut parts = vec![heading(answer, event_id, style)];
    let kept = if answer.without_values { "; values are not kept" } else { "" };
    parts.push(match (answer.recorded, event_id) {
        (true, _) => style.green(format_args!("this took place, under revision {revision}{kept}")),
        (false, None) => style.yellow(format_args!("this would happen now, under revision {revision}")),
        (false, Some(_)) => style
            .yellow(format_args!("no run is kept of it: this would happen now, under revision {revision}")),
    });
    for run in &answer.runs {
        parts.push(format!("\n{}", runs::text(run, style)?));
    }
    let passed: Vec<String> = answer.not_triggered.iter().map(|one| runs::passed_over(one, style)).collect();
    if !passed.is_empty() {
        parts.push(format!("\n{}", passed.join("\n")));
    }
    if answer.runs.is_empty() {
        let triggered = if answer.recorded { "no workflow ran" } else { "no workflow is triggered by it" };
        parts.push(format!("\n{triggered}"));
    }
    let waits = |run: &v1::WorkflowRun| run.state() == v1::WorkflowRunState::Paused;
    if answer.recorded && answer.runs.iter().any(waits) {
        let told = "what a run does after a pause that ends by time is not kept here: the trace has it";
        parts.push(format!("\n{}", style.dim(told)));
    }
    let mut end = Vec::new();
    if let Some(response) = runs::object(answer.response.as_ref())? {
        end.push(format!("answer  {response}"));
    }
    if !answer.trace_id.is_empty() {
        end.push(format!("trace   {}", answer.trace_id));
    }
    if !end.is_empty() {
        parts.push(format!("\n{}", end.join("\n")));
    }
    Ok(parts.join("\n"))
}

fn heading(answer: &v1::ExplainResponse, event_id: Option<&str>, style: Style) -> String {
    let mut line = style.bold(out::short(&answer.event_type, 128));
    if let Some(id) = event_id {
        line.push_str(&format!(" {}", out::short(id, 128)));
    }
    if !answer.profile_id.is_empty() {
        line.push_str(&format!(" of profile {}", out::short(&answer.profile_id, 128)));
    }
    let time = read::time(answer.time.as_ref());
    if !time.is_empty() {
        line.push_str(&format!(" at {time}"));
    }
    line
}

/// For programs.
///
/// # Errors
/// What the mesh answered cannot be read.
pub(super) fn for_programs(answer: &v1::ExplainResponse, event_id: Option<&str>) -> anyhow::Result<Value> {
    let runs: anyhow::Result<Vec<Value>> = answer.runs.iter().map(runs::for_programs).collect();
    Ok(json!({
        "event_id": event_id,
        "event_type": answer.event_type,
        "time": read::time(answer.time.as_ref()),
        "profile_id": answer.profile_id,
        "recorded": answer.recorded,
        "without_values": answer.without_values,
        "revision": answer.revision,
        "trace_id": answer.trace_id,
        "runs": runs?,
        "not_triggered": runs::not_triggered(&answer.not_triggered),
        "response": runs::object(answer.response.as_ref())?,
        "warnings": runs::warnings(&answer.warnings),
    }))
}

#[cfg(test)]
mod tests {
    use tributary_proto::raw::RawStruct;

    use super::*;
    use crate::out::Color;

    fn answer(recorded: bool) -> v1::ExplainResponse {
        let node = v1::NodeRun {
            node: "greet".into(),
            kind: "respond".into(),
            port: "done".into(),
            ..v1::NodeRun::default()
        };
        let run = v1::WorkflowRun {
            workflow: "content".into(),
            event_type: "page-view".into(),
            nodes: vec![node],
            state: v1::WorkflowRunState::Done.into(),
            ..v1::WorkflowRun::default()
        };
        v1::ExplainResponse {
            recorded,
            runs: vec![run],
            event_type: "page-view".into(),
            time: Some(prost_types::Timestamp { seconds: 60, nanos: 0 }),
            profile_id: "0001".into(),
            revision: "3-aa".into(),
            trace_id: if recorded { "4ee1".repeat(8) } else { String::new() },
            response: Some(RawStruct::from_object(json!({"banner": "jazz"}).as_object().unwrap())),
            warnings: Vec::new(),
            ..v1::ExplainResponse::default()
        }
    }

    #[test]
    fn what_took_place_ends_with_its_answer_and_its_trace() {
        let text = text(&answer(true), Some("e-1"), Style::new(Color::Never, false)).unwrap();
        assert_eq!(
            text,
            "page-view e-1 of profile 0001 at 1970-01-01T00:01:00Z
this took place, under revision 3-aa

workflow content for page-view
  ● greet  respond → done

answer  {\"banner\":\"jazz\"}
trace   4ee14ee14ee14ee14ee14ee14ee14ee1"
        );
    }

    #[test]
    fn what_would_happen_says_so() {
        let mut answer = answer(false);
        answer.runs.clear();
        answer.not_triggered = vec![v1::NotTriggered {
            workflow: "loyal-customer".into(),
            why: "profile.purchases is missing".into(),
            event_type: "page-view".into(),
            event_id: String::new(),
        }];
        let text = text(&answer, None, Style::new(Color::Never, false)).unwrap();
        assert!(text.contains("this would happen now, under revision 3-aa"), "{text}");
        assert!(text.contains("no workflow is triggered by it") && !text.contains("trace"), "{text}");
        let passed = "workflow loyal-customer for page-view: not triggered: profile.purchases is missing";
        assert!(text.contains(passed), "{text}");
        let shown = for_programs(&answer, None).unwrap();
        assert_eq!(shown["not_triggered"][0]["why"], "profile.purchases is missing");
        assert_eq!((&shown["recorded"], &shown["response"]["banner"]), (&json!(false), &json!("jazz")));
    }

    #[test]
    fn what_is_not_kept_is_said() {
        let plain = Style::new(Color::Never, false);
        let mut kept = answer(true);
        kept.without_values = true;
        kept.runs[0].state = v1::WorkflowRunState::Paused.into();
        let told = text(&kept, Some("e-1"), plain).unwrap();
        assert!(told.contains("this took place, under revision 3-aa; values are not kept"), "{told}");
        assert!(
            told.contains("after a pause that ends by time is not kept here: the trace has it"),
            "{told}"
        );
        assert_eq!(for_programs(&kept, Some("e-1")).unwrap()["without_values"], true);
        let told = text(&answer(false), Some("e-1"), plain).unwrap();
        assert!(told.contains("no run is kept of it: this would happen now, under revision 3-aa"), "{told}");
        assert!(!told.contains("after a pause"), "{told}");
    }
}
