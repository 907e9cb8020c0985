//! What runs did, for whoever asks. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use tributary_engine::{Ending, NodeRecord, NotTriggered, RunOutcome};
use tributary_proto::convert::{changes_to_wire, time_to_wire};
use tributary_proto::raw::{RawStruct, RawValue};
use tributary_proto::v1;

use crate::subject::Subject;

/// How long calls took, by their keys.
pub type Took = BTreeMap<String, Duration>;

/// A run as it is told. `event_type` is the type of the event that it is for.
#[must_use]
pub fn run(outcome: &RunOutcome, event_type: &str, took: &Took) -> v1::WorkflowRun {
    let (state, failure) = match &outcome.ending {
        Ending::Done => (v1::WorkflowRunState::Done, ""),
        Ending::Failed(reason) => (v1::WorkflowRunState::Failed, reason.as_str()),
        Ending::Paused { .. } => (v1::WorkflowRunState::Paused, ""),
    };
    let (until, waits_for) = match &outcome.ending {
        Ending::Paused { until, events } => (until.map(time_to_wire), events.clone()),
        Ending::Done | Ending::Failed(_) => (None, Vec::new()),
    };
    // A call takes two turns: what it took is told with the one that had its answer.
    let is_last = |at: usize, record: &NodeRecord| {
        !outcome.records[at + 1..].iter().any(|later| later.node == record.node && later.item == record.item)
    };
    let nodes = outcome.records.iter().enumerate().map(|(at, record)| {
        let took = took.get(&key(outcome, record)).filter(|_| is_last(at, record));
        node(record, took.copied())
    });
    v1::WorkflowRun {
        workflow: outcome.workflow.clone(),
        changes: changes_to_wire(&outcome.changes),
        emits: outcome.emits.iter().map(|emit| emit.event_type.clone()).collect(),
        nodes: nodes.collect(),
        failure: failure.to_owned(),
        event_type: event_type.to_owned(),
        state: state.into(),
        resumed: outcome.resumed.is_some(),
        until,
        waits_for,
        deliveries: outcome.deliveries.iter().map(|delivery| delivery.destination.clone()).collect(),
        response: (!outcome.response.is_empty()).then(|| RawStruct::from_object(&outcome.response)),
        event_id: outcome.event.to_string(),
    }
}

/// Workflows that were passed over, as they are told.
#[must_use]
pub fn not_triggered(passed_over: &[NotTriggered], event: &Subject) -> Vec<v1::NotTriggered> {
    let told = passed_over.iter().map(|passed| v1::NotTriggered {
        workflow: passed.workflow.clone(),
        why: passed.why.clone(),
        event_type: event.message.r#type.clone(),
        event_id: event.id.to_string(),
    });
    told.collect()
}

fn node(record: &NodeRecord, took: Option<Duration>) -> v1::NodeRun {
    let (from_node, from_port) = record.from.clone().unwrap_or_default();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    v1::NodeRun {
        node: record.node.clone(),
        kind: record.kind.to_owned(),
        from_node,
        from_port,
        item: count(record.item),
        port: record.port.clone().unwrap_or_default(),
        why: record.why.clone().unwrap_or_default(),
        missing: record.missing.clone(),
        refused: record.refused.clone(),
        saw: (!record.saw.is_empty()).then(|| RawStruct::from_object(&record.saw)),
        output: record.output.as_ref().map(RawValue::from_json),
        changes: count(record.changes),
        took: took.and_then(|took| took.try_into().ok()),
    }
}

/// The key of the call that the node made at this turn, if it made one.
fn key(outcome: &RunOutcome, record: &NodeRecord) -> String {
    let key = format!("{}/{}/{}", outcome.event, outcome.workflow, record.node);
    if record.item == 0 { key } else { format!("{key}/{}", record.item) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};
    use tributary_engine::RunState;
    use tributary_model::{EventId, Time};

    fn record(node: &str, item: usize) -> NodeRecord {
        NodeRecord { node: node.to_owned(), kind: "http", item, ..NodeRecord::default() }
    }

    fn outcome(records: Vec<NodeRecord>, ending: Ending) -> RunOutcome {
        RunOutcome {
            workflow: "w".to_owned(),
            event: EventId::new("e").unwrap(),
            resumed: None,
            changes: Vec::new(),
            emits: Vec::new(),
            deliveries: Vec::new(),
            response: Map::new(),
            ending,
            state: RunState::default(),
            records,
        }
    }

    #[test]
    fn what_a_call_took_is_told_with_its_answer_and_of_its_item() {
        let took = Took::from([
            ("e/w/ask".to_owned(), Duration::from_millis(7)),
            ("e/w/each/2".to_owned(), Duration::from_millis(9)),
        ]);
        let records = vec![record("ask", 0), record("ask", 0), record("each", 1), record("each", 2)];
        let run = run(&outcome(records, Ending::Done), "buy", &took);
        let told: Vec<Option<i32>> =
            run.nodes.iter().map(|node| node.took.as_ref().map(|took| took.nanos / 1_000_000)).collect();
        assert_eq!(told, [None, Some(7), None, Some(9)]);
    }

    #[test]
    fn how_far_a_run_has_come_and_what_its_nodes_saw_is_told() {
        let mut looked = record("ask", 0);
        looked.from = Some(("start".to_owned(), "done".to_owned()));
        looked.saw.insert("event.properties.x".to_owned(), json!(1));
        let ending =
            Ending::Paused { until: Some(Time::from_micros(1_000_000)), events: vec!["order".to_owned()] };
        let paused = run(&outcome(vec![looked], ending), "buy", &Took::new());
        assert_eq!((paused.state(), paused.until.unwrap().seconds), (v1::WorkflowRunState::Paused, 1));
        assert_eq!(
            (paused.waits_for.as_slice(), paused.event_id.as_str()),
            (["order".to_owned()].as_slice(), "e")
        );
        let node = &paused.nodes[0];
        assert_eq!((node.from_node.as_str(), node.from_port.as_str()), ("start", "done"));
        assert_eq!(node.saw.as_ref().unwrap().to_object().unwrap()["event.properties.x"], 1);
        let failed = run(&outcome(Vec::new(), Ending::Failed("too much".to_owned())), "buy", &Took::new());
        assert_eq!((failed.state(), failed.failure.as_str()), (v1::WorkflowRunState::Failed, "too much"));
    }
}
