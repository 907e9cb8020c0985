//! A workflow as a graph: nodes, and edges from their ports.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::node::Node;

mod build;

/// A workflow's nodes, checked: every edge leads to a node, nothing leads in a circle, every node can be reached.
#[derive(Debug, Clone)]
pub struct Graph {
    nodes: Vec<Placed>,
    start: Vec<usize>,
    /// The nodes outside of bodies, in an order in which every edge leads forward; ties as they are written.
    order: Vec<usize>,
}

/// A node at its place.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Its name, unique in the workflow.
    pub name: String,
    /// What it does.
    pub node: Arc<dyn Node>,
    /// Whether it is a `join`: entered once all branches that can still come have come.
    pub joins: bool,
    /// The for-each whose body it belongs to.
    pub body_of: Option<usize>,
    /// Whether its for-each begins with it.
    pub begins_body: bool,
    /// Where its ports lead.
    pub to: Vec<Edge>,
    /// Whether runs begin with it.
    pub(crate) starts: bool,
    /// The nodes of its body, in the order in which they are gone through.
    pub(crate) body: Vec<usize>,
    /// What leads to it: a node and the index of the edge there.
    pub(crate) led_by: Vec<(usize, usize)>,
}

/// From a port to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The port.
    pub port: String,
    /// The node's index.
    pub to: usize,
}

/// A node as it is written, on its way into a graph.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// What it does.
    pub node: Arc<dyn Node>,
    /// Whether it is a `join`.
    pub joins: bool,
    /// The name of the for-each whose body it belongs to.
    pub body_of: Option<String>,
    /// Where its ports lead, by name.
    pub to: BTreeMap<String, Vec<String>>,
}

const OUTSIDE: &str = "let a node lead to it with `to`, or name it under `start`";
const IN_BODY: &str = "let a node of the same for_each lead to it with `to`";

/// Why nodes are no graph. Each names the node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two nodes of one name.
    #[error("two nodes are called {name}")]
    Twice {
        /// The name.
        name: String,
    },
    /// An edge to nowhere, or out of or into a for-each's body.
    #[error("{from} leads to {to}, which is no node {place}")]
    Unknown {
        /// Where the edge begins.
        from: String,
        /// Where it was to lead.
        to: String,
        /// `of this workflow`, `beside it in the same for_each`, `outside of a for_each`.
        place: &'static str,
    },
    /// A start that is no node.
    #[error("start: {name} is no node of this workflow")]
    NoStart {
        /// The name.
        name: String,
    },
    /// A circle.
    #[error("nodes lead in a circle: {}", circle.join(" -> "))]
    Circle {
        /// The names, the first one again at the end.
        circle: Vec<String>,
    },
    /// Nothing leads there.
    #[error("nothing leads to {name}: {}", if *in_body { IN_BODY } else { OUTSIDE })]
    Unreachable {
        /// The node.
        name: String,
        /// Whether it belongs to the body of a for-each, which begins with the first of its nodes.
        in_body: bool,
    },
}

impl Graph {
    /// Joins `nodes` to a graph that begins with `start`, or with the first node where that is empty. The body of a for-each
    /// begins with the first of its nodes.
    ///
    /// # Errors
    /// All that is wrong. Nodes that nothing leads to are told once every edge leads somewhere.
    pub fn new(nodes: Vec<Target>, start: &[String]) -> Result<Graph, Vec<GraphError>> {
        build::build(nodes, start)
    }

    /// The nodes, as they are written.
    #[must_use]
    pub fn nodes(&self) -> &[Placed] {
        &self.nodes
    }

    /// The index of a node.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|placed| placed.name == name)
    }

    /// Where runs begin.
    #[must_use]
    pub fn start(&self) -> &[usize] {
        &self.start
    }

    pub(crate) fn order(&self) -> &[usize] {
        &self.order
    }
}

#[cfg(test)]
mod tests;
