//! From nodes as they are written to a graph, and what is wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Edge, Graph, GraphError, Placed, Target};

/// Where the nodes are, by name.
type Names = BTreeMap<String, usize>;

pub(super) fn build(nodes: Vec<Target>, start: &[String]) -> Result<Graph, Vec<GraphError>> {
    let mut errors = Vec::new();
    let names = names(&nodes, &mut errors);
    let body_of = bodies(&nodes, &names, &mut errors);
    let to = edges(&nodes, &names, &body_of, &mut errors);
    let start = starts(start, &names, &body_of, &mut errors);
    let edges_are_right = errors.is_empty();
    let mut placed = place(nodes, &body_of, to, &start);
    let order = ordered(&placed, None, &mut errors);
    for each in 0..placed.len() {
        if body_of.contains(&Some(each)) {
            placed[each].body = ordered(&placed, Some(each), &mut errors);
        }
    }
    if edges_are_right {
        errors.extend(unreachable(&placed));
    }
    if errors.is_empty() { Ok(Graph { nodes: placed, start, order }) } else { Err(errors) }
}

fn names(nodes: &[Target], errors: &mut Vec<GraphError>) -> Names {
    let mut names = Names::new();
    for (index, node) in nodes.iter().enumerate() {
        if names.contains_key(&node.name) {
            errors.push(GraphError::Twice { name: node.name.clone() });
        } else {
            names.insert(node.name.clone(), index);
        }
    }
    names
}

/// The for-each of each node. Bodies lie outside of bodies.
fn bodies(nodes: &[Target], names: &Names, errors: &mut Vec<GraphError>) -> Vec<Option<usize>> {
    let mut body_of = Vec::with_capacity(nodes.len());
    for node in nodes {
        let each = node.body_of.as_ref().and_then(|each| names.get(each).copied());
        if let Some(name) = &node.body_of
            && each.is_none_or(|each| nodes[each].body_of.is_some())
        {
            let place = if each.is_none() { "of this workflow" } else { "outside of a for_each" };
            errors.push(GraphError::Unknown { from: node.name.clone(), to: name.clone(), place });
        }
        body_of.push(each);
    }
    body_of
}

fn edges(
    nodes: &[Target],
    names: &Names,
    body_of: &[Option<usize>],
    errors: &mut Vec<GraphError>,
) -> Vec<Vec<Edge>> {
    let edges_of = |(from, node): (usize, &Target)| {
        let mut edges: Vec<Edge> = Vec::new();
        for (port, name) in node.to.iter().flat_map(|(port, to)| to.iter().map(move |name| (port, name))) {
            let to = names.get(name).copied();
            let Some(to) = to.filter(|to| body_of[*to] == body_of[from]) else {
                let place = match (body_of[from], to) {
                    (Some(_), _) => "beside it in the same for_each",
                    (None, Some(_)) => "outside of a for_each",
                    (None, None) => "of this workflow",
                };
                errors.push(GraphError::Unknown { from: node.name.clone(), to: name.clone(), place });
                continue;
            };
            let edge = Edge { port: port.clone(), to };
            if !edges.contains(&edge) {
                edges.push(edge);
            }
        }
        edges
    };
    nodes.iter().enumerate().map(edges_of).collect()
}

fn starts(
    start: &[String],
    names: &Names,
    body_of: &[Option<usize>],
    errors: &mut Vec<GraphError>,
) -> Vec<usize> {
    if start.is_empty() {
        return body_of.iter().position(Option::is_none).into_iter().collect();
    }
    let mut starts = Vec::with_capacity(start.len());
    for name in start {
        match names.get(name).copied().filter(|index| body_of[*index].is_none()) {
            Some(index) if starts.contains(&index) => {}
            Some(index) => starts.push(index),
            None => errors.push(GraphError::NoStart { name: name.clone() }),
        }
    }
    starts
}

fn place(nodes: Vec<Target>, body_of: &[Option<usize>], to: Vec<Vec<Edge>>, start: &[usize]) -> Vec<Placed> {
    let mut placed: Vec<Placed> = Vec::with_capacity(nodes.len());
    for (index, (node, to)) in nodes.into_iter().zip(to).enumerate() {
        let body_of = body_of[index];
        placed.push(Placed {
            name: node.name,
            node: node.node,
            joins: node.joins,
            body_of,
            begins_body: body_of.is_some() && placed.iter().all(|before| before.body_of != body_of),
            to,
            starts: start.contains(&index),
            body: Vec::new(),
            led_by: Vec::new(),
        });
    }
    for from in 0..placed.len() {
        for edge in 0..placed[from].to.len() {
            let to = placed[from].to[edge].to;
            placed[to].led_by.push((from, edge));
        }
    }
    placed
}

/// The nodes of one body, or those outside of all, each behind everything that leads to it. What lies in circles, and behind
/// them, is left out; the circles are told.
fn ordered(placed: &[Placed], body_of: Option<usize>, errors: &mut Vec<GraphError>) -> Vec<usize> {
    let mut left: BTreeSet<usize> =
        (0..placed.len()).filter(|index| placed[*index].body_of == body_of).collect();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let free = |index: &&usize| placed[**index].led_by.iter().all(|(from, _)| !left.contains(from));
        if let Some(next) = left.iter().find(free).copied() {
            left.remove(&next);
            order.push(next);
        } else {
            let circle = circle(placed, &left);
            left.retain(|index| !circle.contains(index));
            let mut names: Vec<String> = circle.iter().map(|index| placed[*index].name.clone()).collect();
            names.extend(names.first().cloned());
            errors.push(GraphError::Circle { circle: names });
        }
    }
    order
}

/// A circle among nodes to each of which another one of them leads.
fn circle(placed: &[Placed], left: &BTreeSet<usize>) -> Vec<usize> {
    let mut back: Vec<usize> = left.first().copied().into_iter().collect();
    while let Some(last) = back.last() {
        let before = placed[*last].led_by.iter().map(|(from, _)| *from).find(|from| left.contains(from));
        let Some(before) = before else { break };
        if let Some(at) = back.iter().position(|index| *index == before) {
            back.drain(..at);
            break;
        }
        back.push(before);
    }
    back.reverse();
    // It begins with what is written first.
    let first = (0..back.len()).min_by_key(|at| back[*at]).unwrap_or(0);
    back.rotate_left(first);
    back
}

/// The nodes at which no run can arrive and to which nothing leads. What only they lead to is theirs, and not told again.
fn unreachable(placed: &[Placed]) -> impl Iterator<Item = GraphError> {
    let led_to = |node: &Placed| node.starts || node.begins_body || !node.led_by.is_empty();
    placed
        .iter()
        .filter(move |node| !led_to(node))
        .map(|node| GraphError::Unreachable { name: node.name.clone(), in_body: node.body_of.is_some() })
}
