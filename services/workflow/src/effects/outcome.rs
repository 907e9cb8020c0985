//! What an event came to, kept for whoever waits or asks again.

use prost::Message as _;
use tributary_engine::Finished;
use tributary_proto::raw::RawStruct;
use tributary_proto::v1;
use tributary_streams::Awaited;

use super::Circumstances;
use crate::subject::Subject;

/// The most bytes of runs that are kept with an event: everyone who asks how far it has come reads them.
const MAX_RUN_BYTES: usize = 65_536;

/// The encoded outcome; empty where there is nothing to say.
pub(super) fn of(
    event: &Subject,
    awaited: Awaited,
    finished: &Finished,
    around: &Circumstances<'_>,
) -> Vec<u8> {
    if finished.runs.is_empty() {
        return Vec::new();
    }
    let (runs, truncated) = match awaited {
        Awaited::Runs => bounded(around.told(event, finished)),
        Awaited::No | Awaited::Waits => (Vec::new(), false),
    };
    let deliveries = finished.runs.iter().flat_map(|run| &run.deliveries);
    let outcome = v1::Outcome {
        response: (!finished.response.is_empty()).then(|| RawStruct::from_object(&finished.response)),
        runs,
        truncated,
        delivery_keys: deliveries.map(|delivery| delivery.key.clone()).collect(),
        trace_id: trace_id(&around.trace.traceparent),
    };
    outcome.encode_to_vec()
}

/// What is too large goes without the values that nodes saw, and if that is not enough, goes.
fn bounded(mut runs: Vec<v1::WorkflowRun>) -> (Vec<v1::WorkflowRun>, bool) {
    let bytes = |runs: &[v1::WorkflowRun]| runs.iter().map(v1::WorkflowRun::encoded_len).sum::<usize>();
    if bytes(&runs) <= MAX_RUN_BYTES {
        return (runs, false);
    }
    for node in runs.iter_mut().flat_map(|run| &mut run.nodes) {
        node.saw = None;
        node.output = None;
    }
    if bytes(&runs) <= MAX_RUN_BYTES { (runs, true) } else { (Vec::new(), true) }
}

/// The trace that a traceparent names.
fn trace_id(traceparent: &str) -> String {
    traceparent.split('-').nth(1).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn what_nodes_saw_is_left_out_first_and_then_the_runs() {
        let (all, truncated) = bounded(vec![run(1_000, 1_000)]);
        assert!(!truncated && all[0].nodes[0].saw.is_some());
        let (bare, truncated) = bounded(vec![run(1_000, MAX_RUN_BYTES), run(1_000, 10)]);
        assert!(truncated && bare.len() == 2 && bare[0].nodes[0].saw.is_none());
        let (none, truncated) = bounded(vec![run(MAX_RUN_BYTES, 10)]);
        assert!(truncated && none.is_empty());
    }

    #[test]
    fn a_trace_is_named_as_its_parent_says() {
        assert_eq!(trace_id("00-0123-45-01"), "0123");
        assert_eq!(trace_id(""), "");
    }
}
