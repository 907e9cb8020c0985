//! What must have come out how on every way to a node: what it evaluates is evaluated only then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tributary_engine::Graph;

use super::nodes::AnyNode;
use crate::survey::{Guard, MAX_GUARDS, Survey};

/// Surveys the nodes of `graph`, each under the guards of all ways that lead to it.
pub(super) fn survey<'d>(graph: &'d Graph, nodes: &'d [Arc<dyn AnyNode>], survey: &mut Survey<'d>) {
    let always = std::mem::take(&mut survey.guards);
    let ways = ways(graph);
    let mut known: Vec<Option<Left<'d>>> = nodes.iter().map(|_| None).collect();
    // The nodes lead in no circle, so each round finds one at least of which all ways to it are known.
    while known.iter().any(Option::is_none) {
        let ready: Vec<usize> = (0..nodes.len())
            .filter(|&node| {
                known[node].is_none() && ways[node].iter().all(|(from, _)| known[*from].is_some())
            })
            .collect();
        if ready.is_empty() {
            break;
        }
        for node in ready {
            let guards = came(&ways[node], &known).unwrap_or_else(|| Some(always.clone()));
            survey.judged = guards.is_some();
            survey.guards = guards.clone().unwrap_or_default();
            nodes[node].survey(survey);
            let leads = std::mem::take(&mut survey.leads);
            known[node] = Some(Left { guards, leads });
        }
    }
}

/// Guards; `None` where there are too many.
type Guards<'d> = Option<Vec<Guard<'d>>>;

/// What must have come out how where a node was entered, and besides where it was left by a port.
struct Left<'d> {
    guards: Guards<'d>,
    leads: BTreeMap<String, Vec<Guard<'d>>>,
}

impl<'d> Left<'d> {
    /// What must have come out how where the node was left by `port`. What the event alone does not decide, no example does.
    fn by(&self, port: &str) -> Guards<'d> {
        let by_port = self.leads.get(port).into_iter().flatten();
        let of_event = |guard: &&Guard<'d>| {
            guard.0.reads().iter().all(|read| read.parts.first().is_some_and(|root| root == "event"))
        };
        let guards: Vec<Guard<'d>> =
            self.guards.as_ref()?.iter().chain(by_port.filter(of_event)).copied().collect();
        (guards.len() <= MAX_GUARDS).then_some(guards)
    }
}

/// By node, the nodes and ports that lead to it; no port for a for-each that its body begins with.
fn ways(graph: &Graph) -> Vec<BTreeSet<(usize, &str)>> {
    let mut ways = vec![BTreeSet::new(); graph.nodes().len()];
    for (from, placed) in graph.nodes().iter().enumerate() {
        for edge in &placed.to {
            ways[edge.to].insert((from, edge.port.as_str()));
        }
        if let Some(around) = placed.body_of.filter(|_| placed.begins_body) {
            ways[from].insert((around, ""));
        }
    }
    ways
}

/// The guards that all ways have; no answer where a run begins.
fn came<'d>(ways: &BTreeSet<(usize, &str)>, known: &[Option<Left<'d>>]) -> Option<Guards<'d>> {
    let same = |one: &Guard<'d>, other: &Guard<'d>| std::ptr::eq(one.0, other.0) && one.1 == other.1;
    let mut of_all: Option<Vec<Guard<'d>>> = None;
    for (from, port) in ways {
        let Some(guards) = known[*from].as_ref()?.by(port) else { return Some(None) };
        of_all = Some(match of_all {
            None => guards,
            Some(before) => {
                before.into_iter().filter(|guard| guards.iter().any(|other| same(guard, other))).collect()
            }
        });
    }
    of_all.map(Some)
}
