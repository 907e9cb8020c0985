//! Runs of workflows, as the mesh tells of them: drawn for people, as documents for programs.

mod tree;
mod warnings;

use anyhow::Context as _;
use serde_json::{Value, json};
use tributary_proto::{
    raw::{RawStruct, RawValue},
    v1,
};

use crate::{
    out::{self, Style},
    read,
};

pub(crate) use tree::text;
pub(crate) use warnings::{notes, warnings};

/// A run for programs.
///
/// # Errors
/// What the mesh answered cannot be read.
pub(crate) fn for_programs(run: &v1::WorkflowRun) -> anyhow::Result<Value> {
    let changes: anyhow::Result<Vec<Value>> = run.changes.iter().map(change).collect();
    let nodes: anyhow::Result<Vec<Value>> = run.nodes.iter().map(node).collect();
    Ok(json!({
        "workflow": run.workflow,
        "event_type": run.event_type,
        "event_id": run.event_id,
        "state": word(run.state().as_str_name(), "WORKFLOW_RUN_STATE_"),
        "resumed": run.resumed,
        "until": run.until.as_ref().map(|until| read::time(Some(until))),
        "waits_for": run.waits_for,
        "nodes": nodes?,
        "changes": changes?,
        "emits": run.emits,
        "deliveries": run.deliveries,
        "response": object(run.response.as_ref())?,
        "failure": run.failure,
    }))
}

/// A workflow that means an event and does not run for it, for people.
pub(crate) fn passed_over(passed: &v1::NotTriggered, style: Style) -> String {
    let mut line = format!("workflow {}", passed.workflow);
    if !passed.event_type.is_empty() {
        line.push_str(&format!(" for {}", out::short(&passed.event_type, 128)));
    }
    format!("{line}: not triggered: {}", style.yellow(&passed.why))
}

/// Workflows that mean an event and do not run for it, for programs.
pub(crate) fn not_triggered(passed: &[v1::NotTriggered]) -> Value {
    let passed = passed.iter().map(|passed| {
        json!({
            "workflow": passed.workflow,
            "why": passed.why,
            "event_type": passed.event_type,
            "event_id": passed.event_id,
        })
    });
    passed.collect()
}

/// An object of an answer; null where there is none.
///
/// # Errors
/// What the mesh answered cannot be read.
pub(crate) fn object(document: Option<&RawStruct>) -> anyhow::Result<Option<Value>> {
    let object = document.map(RawStruct::to_object).transpose().context(UNREADABLE)?;
    Ok(object.map(Value::Object))
}

/// A name of the contract as documents spell it.
pub(crate) fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase()
}

const UNREADABLE: &str = "what the mesh answered cannot be read";

fn change(change: &v1::Change) -> anyhow::Result<Value> {
    Ok(json!({"path": change.path, "operation": operation(change), "value": value(change.value.as_ref())?}))
}

fn node(node: &v1::NodeRun) -> anyhow::Result<Value> {
    let from = (!node.from_node.is_empty()).then(|| json!({"node": node.from_node, "port": node.from_port}));
    Ok(json!({
        "node": node.node,
        "kind": node.kind,
        "from": from,
        "item": node.item,
        "port": node.port,
        "why": node.why,
        "missing": node.missing,
        "refused": node.refused,
        "saw": object(node.saw.as_ref())?,
        "output": value(node.output.as_ref())?,
        "changes": node.changes,
        "milliseconds": milliseconds(node),
    }))
}

/// How a change changes its path, as documents spell it.
pub(crate) fn operation(change: &v1::Change) -> String {
    word(change.operation().as_str_name(), "OPERATION_")
}

fn value(raw: Option<&RawValue>) -> anyhow::Result<Option<Value>> {
    raw.map(RawValue::to_json).transpose().context(UNREADABLE)
}

/// How long a call took, where that is known.
fn milliseconds(node: &v1::NodeRun) -> Option<f64> {
    let took = std::time::Duration::try_from(node.took?).ok()?;
    Some(took.as_secs_f64() * 1000.0)
}
