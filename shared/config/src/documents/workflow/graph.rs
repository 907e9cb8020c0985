//! A workflow's nodes as they are written, joined to a graph.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tributary_engine::{Graph, GraphError, Target};
use tributary_expressions::did_you_mean;

use super::edges;
use super::nodes::{NodeSpec, SOME_KINDS, Written};
use super::reading::Reading;
use crate::at::At;
use crate::error::{Origin, Place, Problems};
use crate::names;

/// The most nodes of one workflow, those of bodies included.
const MAX_NODES: usize = 128;
/// More are not told at once of one workflow: each guesses what was meant.
const MOST_TOLD: usize = 32;

/// Reads nodes; what is wrong with one is told. `None` when one cannot be read: what is said about the others' ways would
/// not hold once it can.
pub(super) fn read(
    nodes: At<Vec<At<NodeSpec>>>,
    origin: &Origin,
    problems: &mut Problems,
) -> Option<Vec<Written>> {
    let many: usize = nodes.value.len();
    match many {
        0 => problems.add(origin, nodes.place, "a workflow needs at least one node"),
        1..=MAX_NODES => {}
        _ => {
            problems.add(origin, nodes.place, format!("{many} nodes; at most {MAX_NODES} are allowed"));
            return None;
        }
    }
    let place = nodes.place;
    let written = read_all(nodes.value, false, origin, problems)?;
    let with_bodies = all(&written).len();
    if with_bodies > MAX_NODES {
        let reason = format!("{with_bodies} nodes with those of bodies; at most {MAX_NODES} are allowed");
        problems.add(origin, place, reason);
        return None;
    }
    Some(written)
}

/// Reads the nodes of a workflow, or of a for-each's body.
pub(crate) fn read_all(
    nodes: Vec<At<NodeSpec>>,
    in_body: bool,
    origin: &Origin,
    problems: &mut Problems,
) -> Option<Vec<Written>> {
    let mut written = Vec::with_capacity(nodes.len());
    let mut complete = true;
    for node in nodes {
        match read_one(node, in_body, origin, problems) {
            Some(node) => written.push(node),
            None => complete = false,
        }
    }
    complete.then_some(written)
}

fn read_one(node: At<NodeSpec>, in_body: bool, origin: &Origin, problems: &mut Problems) -> Option<Written> {
    let At { value: mut spec, place } = node;
    if let Err(reason) = names::check_name("the node's name", &spec.name.value) {
        problems.add(origin, spec.name.place, reason);
    }
    let kinds = spec.kinds();
    let mut reading = Reading { in_body, ..Reading::new(origin, problems) };
    match &kinds[..] {
        [_] => {}
        [] => {
            let reason =
                format!("node {} does nothing: give it a kind; there are {SOME_KINDS}", spec.name.value);
            reading.tell(place, reason);
            return None;
        }
        several => {
            let reason = format!("node {} is of one kind, not of {}", spec.name.value, several.join(" and "));
            reading.tell(place, reason);
            return None;
        }
    }
    let to = spec.to.take();
    let mut node = spec.read(&mut reading)?;
    if let Some(to) = to {
        let (ways, all_right) = edges::read(to, &node, &mut reading);
        (node.ways, node.misled) = (ways, !all_right);
    }
    Some(node)
}

/// Joins nodes that begin with `start`, or with the first one where that is empty; what is wrong is told.
pub(super) fn join(
    nodes: &[Written],
    start: &[At<String>],
    origin: &Origin,
    problems: &mut Problems,
) -> Option<Graph> {
    let mut targets = Vec::new();
    put(nodes, None, &mut targets);
    if targets.is_empty() {
        return None;
    }
    let names: Vec<String> = start.iter().map(|name| name.value.clone()).collect();
    let errors = match Graph::new(targets, &names) {
        Ok(graph) => return Some(graph),
        Err(errors) => errors,
    };
    let all = all(nodes);
    // While two have one name, nobody knows which of them the others lead to.
    let twice = |error: &&GraphError| matches!(error, GraphError::Twice { .. });
    let ambiguous = errors.iter().any(|error| twice(&error));
    // A port or a node that is misspelt is why nothing leads to another one.
    let misled = all.iter().any(|node| node.misled);
    let follows = |error: &GraphError| misled && matches!(error, GraphError::Unreachable { .. });
    let told = errors.iter().filter(|error| (!ambiguous || twice(error)) && !follows(error));
    for error in told.take(MOST_TOLD) {
        tell(error, &all, start, origin, problems);
    }
    None
}

/// All nodes, those of bodies included.
pub(super) fn all(nodes: &[Written]) -> Vec<&Written> {
    nodes.iter().flat_map(|node| std::iter::once(node).chain(all(&node.body))).collect()
}

fn put(nodes: &[Written], body_of: Option<&str>, targets: &mut Vec<Target>) {
    for node in nodes {
        let mut to: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for way in &node.ways {
            to.entry(way.port.to_string()).or_default().push(way.to.value.clone());
        }
        targets.push(Target {
            name: node.name.value.clone(),
            node: Arc::clone(&node.node) as _,
            joins: node.joins,
            body_of: body_of.map(str::to_string),
            to,
        });
        put(&node.body, Some(&node.name.value), targets);
    }
}

fn tell(
    error: &GraphError,
    nodes: &[&Written],
    start: &[At<String>],
    origin: &Origin,
    problems: &mut Problems,
) {
    let places: HashMap<&str, Place> =
        nodes.iter().map(|node| (node.name.value.as_str(), node.name.place)).collect();
    let of = |name: &str| places.get(name).copied().unwrap_or_default();
    let known = || nodes.iter().map(|node| node.name.value.as_str());
    let (place, meant) = match error {
        // The second one is what is wrong.
        GraphError::Twice { name } => (of(name), String::new()),
        GraphError::Unknown { from, to, .. } => {
            let ways = nodes.iter().filter(|node| node.name.value == *from).flat_map(|node| &node.ways);
            let place = ways.into_iter().find(|way| way.to.value == *to).map(|way| way.to.place);
            let meant =
                if places.contains_key(to.as_str()) { String::new() } else { did_you_mean(to, known()) };
            (place.unwrap_or_else(|| of(from)), meant)
        }
        GraphError::NoStart { name } => {
            let place = start.iter().find(|written| written.value == *name).map(|written| written.place);
            (place.unwrap_or_default(), did_you_mean(name, known()))
        }
        GraphError::Circle { circle } => {
            (circle.first().map_or_else(Place::default, |name| of(name)), String::new())
        }
        GraphError::Unreachable { name, .. } => (of(name), String::new()),
    };
    problems.add(origin, place, format!("{error}{meant}"));
}
