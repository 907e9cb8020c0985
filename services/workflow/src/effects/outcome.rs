//! What an event came to, kept for whoever waits or asks again.

use prost::Message as _;
use tributary_engine::Finished;
use tributary_proto::raw::RawStruct;
use tributary_proto::v1;
use tributary_streams::Awaited;

use super::{Circumstances, Place};
use crate::settings::KeepRuns;
use crate::subject::Subject;
use crate::told;

/// The most bytes of runs that are kept with an event: everyone who asks how far it has come reads them.
const MAX_RUN_BYTES: usize = 65_536;
/// The same where nobody asked for them, as for most events.
const MAX_BARE_BYTES: usize = 4_096;

/// The encoded outcome; empty where there is nothing to say.
pub(super) fn of(event: &Subject, place: Place, finished: &Finished, around: &Circumstances<'_>) -> Vec<u8> {
    if finished.runs.is_empty() && finished.not_triggered.is_empty() {
        return Vec::new();
    }
    let (runs, truncated) = match (place.awaited, place.keep_runs) {
        (Awaited::Runs, _) => bounded(around.told(event, finished), MAX_RUN_BYTES),
        (Awaited::No | Awaited::Waits, KeepRuns::All) => {
            let mut runs = around.told(event, finished);
            runs.iter_mut().for_each(strip);
            bounded(runs, MAX_BARE_BYTES)
        }
        (Awaited::No | Awaited::Waits, KeepRuns::Awaited) => (Vec::new(), false),
    };
    let deliveries = finished.runs.iter().flat_map(|run| &run.deliveries);
    let outcome = v1::Outcome {
        response: (!finished.response.is_empty()).then(|| RawStruct::from_object(&finished.response)),
        without_values: place.awaited != Awaited::Runs && !runs.is_empty(),
        runs,
        truncated,
        delivery_keys: deliveries.map(|delivery| delivery.key.clone()).collect(),
        trace_id: trace_id(&around.trace.traceparent),
        not_triggered: told::not_triggered(&finished.not_triggered, event),
    };
    outcome.encode_to_vec()
}

/// Leaves out the values: nobody asked for them, and they may be personal data.
fn strip(run: &mut v1::WorkflowRun) {
    run.response = None;
    run.changes.iter_mut().for_each(|change| change.value = None);
    run.nodes.iter_mut().for_each(strip_node);
}

fn strip_node(node: &mut v1::NodeRun) {
    node.saw = None;
    node.output = None;
}

/// What is too large goes without the values that nodes saw; if that is not enough, without the nodes; and if that is not
/// enough, goes.
fn bounded(mut runs: Vec<v1::WorkflowRun>, most: usize) -> (Vec<v1::WorkflowRun>, bool) {
    let fits =
        |runs: &[v1::WorkflowRun]| runs.iter().map(v1::WorkflowRun::encoded_len).sum::<usize>() <= most;
    if fits(&runs) {
        return (runs, false);
    }
    runs.iter_mut().flat_map(|run| &mut run.nodes).for_each(strip_node);
    if fits(&runs) {
        return (runs, true);
    }
    runs.iter_mut().for_each(|run| run.nodes.clear());
    if fits(&runs) { (runs, true) } else { (Vec::new(), true) }
}

/// The trace that a traceparent names.
fn trace_id(traceparent: &str) -> String {
    traceparent.split('-').nth(1).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_proto::raw::RawValue;

    fn run(bytes: usize, of_values: usize) -> v1::WorkflowRun {
        let saw = serde_json::json!({"x": "v".repeat(of_values)});
        let node = v1::NodeRun {
            why: "w".repeat(bytes),
            saw: saw.as_object().map(RawStruct::from_object),
            ..v1::NodeRun::default()
        };
        v1::WorkflowRun { nodes: vec![node], ..v1::WorkflowRun::default() }
    }

    #[test]
    fn what_nodes_saw_is_left_out_first_then_the_nodes_and_then_the_runs() {
        let bounded = |runs| bounded(runs, MAX_RUN_BYTES);
        let (all, truncated) = bounded(vec![run(1_000, 1_000)]);
        assert!(!truncated && all[0].nodes[0].saw.is_some());
        let (bare, truncated) = bounded(vec![run(1_000, MAX_RUN_BYTES), run(1_000, 10)]);
        assert!(truncated && bare.len() == 2 && bare[0].nodes[0].saw.is_none());
        let (ends, truncated) = bounded(vec![run(MAX_RUN_BYTES, 10)]);
        assert!(truncated && ends.len() == 1 && ends[0].nodes.is_empty());
        let failed = v1::WorkflowRun { failure: "f".repeat(MAX_RUN_BYTES), ..v1::WorkflowRun::default() };
        assert_eq!(bounded(vec![failed]), (Vec::new(), true));
    }

    #[test]
    fn without_values_the_way_stays_and_what_was_changed_but_not_to_what() {
        let object = || serde_json::json!({"x": 1}).as_object().map(RawStruct::from_object);
        let change = v1::Change {
            path: "plan".to_owned(),
            value: Some(RawValue::from_json(&"gold".into())),
            ..v1::Change::default()
        };
        let mut told = v1::WorkflowRun { changes: vec![change], response: object(), ..run(10, 10) };
        told.nodes[0].output = Some(RawValue::from_json(&"gold".into()));
        strip(&mut told);
        assert_eq!((told.changes[0].path.as_str(), told.nodes[0].why.len()), ("plan", 10));
        assert!(told.changes[0].value.is_none() && told.response.is_none());
        assert!(told.nodes[0].saw.is_none() && told.nodes[0].output.is_none());
    }

    #[test]
    fn a_trace_is_named_as_its_parent_says() {
        assert_eq!(trace_id("00-0123-45-01"), "0123");
        assert_eq!(trace_id(""), "");
    }
}
