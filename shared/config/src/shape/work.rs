//! How much work a schema can make of an event, told before there is one.
//!
//! A reference stands for all that it leads to, so a few lines can say a million things: `allOf` of two references to an
//! `allOf` of two references, twenty times. And a schema that leads back to itself asks as often as the event nests: once,
//! where each part of the event is asked one way, but 2^32 times where two ways lead to the same part.

mod graph;

use serde_json::Value;

use graph::{Graph, Step};

/// How deep events nest.
const EVENT_DEPTH: usize = 32;
/// The most that a schema may ask, with everything that its references stand for.
const MAX_ASKED: usize = 20_000;
/// How deep the check may be inside of itself: it takes room on the stack of whoever checks.
const MAX_NESTED: usize = 512;

/// What a schema asks of an event, in keywords and the values that these list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Work {
    /// Once.
    pub(super) once: usize,
    /// Of each part of the event at most.
    pub(super) of_each: usize,
    nested: usize,
}

/// The work of `schema`.
///
/// # Errors
/// In words: too much, or a reference that leads back in a way that has no end or too many ways.
pub(super) fn of(schema: &Value) -> Result<Work, String> {
    let graph = Graph::of(schema);
    let mut works: Vec<Work> = vec![Work::default(); graph.nodes.len()];
    // What is led to comes before what leads to it.
    let groups = graph.groups();
    let mut group_of = vec![0; graph.nodes.len()];
    for (number, group) in groups.iter().enumerate() {
        group.iter().for_each(|node| group_of[*node] = number);
    }
    for group in &groups {
        let is_own = |to: usize| group_of[to] == group_of[group[0]];
        let leads_back = |node: usize| graph.nodes[node].edges.iter().any(|edge| is_own(edge.to));
        let work = match group[..] {
            [node] if !leads_back(node) => alone(&graph, node, &works),
            _ => recursive(&graph, group, &is_own, &works)?,
        };
        if work.once.saturating_add(work.of_each) > MAX_ASKED || work.nested > MAX_NESTED {
            return Err(format!(
                "the schema asks too much of an event, with all that its references stand for: at most {MAX_ASKED} things, \
                 {MAX_NESTED} inside each other"
            ));
        }
        group.iter().for_each(|node| works[*node] = work);
    }
    Ok(works.first().copied().unwrap_or_default())
}

/// The work of a schema that does not lead back to itself.
fn alone(graph: &Graph<'_>, node: usize, works: &[Work]) -> Work {
    let node = &graph.nodes[node];
    let mut work = Work { once: node.own, of_each: 0, nested: 0 };
    for edge in &node.edges {
        let below = works[edge.to];
        work.nested = work.nested.max(below.nested);
        work.of_each = work.of_each.saturating_add(below.of_each);
        if edge.step.is_of_many() {
            work.of_each = work.of_each.saturating_add(below.once);
        } else {
            work.once = work.once.saturating_add(below.once);
        }
    }
    Work { nested: work.nested + 1, ..work }
}

/// The work of schemas that lead back to each other. Where each part of the event is asked in one way only, each is asked
/// by each of them at most once, and by what they lead to at most once for every level above.
fn recursive(
    graph: &Graph<'_>,
    group: &[usize],
    is_own: &impl Fn(usize) -> bool,
    works: &[Work],
) -> Result<Work, String> {
    let (mut of_each, mut below_nested) = (0_usize, 0);
    for node in group.iter().map(|node| &graph.nodes[*node]) {
        let mut back = node.edges.iter().filter(|edge| is_own(edge.to));
        if back.clone().count() > 1 && !back.all(|edge| edge.step.is_apart()) {
            return Err(
                "a schema that refers to itself does so in one way for each part of the event: say it once below properties, \
                 not in two branches of anyOf, oneOf or allOf, nor beside patternProperties or unevaluatedProperties"
                    .to_string(),
            );
        }
        of_each = of_each.saturating_add(node.own);
        for below in node.edges.iter().filter(|edge| !is_own(edge.to)).map(|edge| works[edge.to]) {
            of_each = of_each.saturating_add(below.once).saturating_add(below.of_each);
            below_nested = below_nested.max(below.nested);
        }
    }
    let mut longest = 0;
    for start in group {
        longest = longest.max(in_place(graph, *start, group.len(), is_own)?);
    }
    let nested = EVENT_DEPTH.saturating_mul(longest + 1).saturating_add(below_nested);
    Ok(Work { once: 0, of_each: of_each.saturating_mul(EVENT_DEPTH), nested })
}

/// How many references follow each other from `start` on without a step into the event.
fn in_place(
    graph: &Graph<'_>,
    start: usize,
    most: usize,
    is_own: &impl Fn(usize) -> bool,
) -> Result<usize, String> {
    let (mut at, mut length) = (start, 0);
    // There is one at most, or the schema was refused.
    while let Some(edge) =
        graph.nodes[at].edges.iter().find(|edge| edge.step == Step::InPlace && is_own(edge.to))
    {
        (at, length) = (edge.to, length + 1);
        if length > most {
            return Err("a reference leads back to itself without a step into the event: it would never end"
                .to_string());
        }
    }
    Ok(length)
}

/// How many parts `value` has, a long text counting as several.
pub(crate) fn parts(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
        Value::String(text) => 1 + text.len() / 64,
        Value::Array(items) => 1 + items.iter().map(parts).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(parts).sum::<usize>(),
    }
}

#[cfg(test)]
mod tests;
