//! The schemas of a document, and which of them each one asks.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The same part of the event.
    InPlace,
    /// One part below: a property or an element that has its own place in the schema.
    One,
    /// The parts below that have no place of their own.
    Rest,
    /// Parts below that others may ask too.
    Some,
}

impl Step {
    /// Whether it may lead to many parts.
    pub(super) fn is_of_many(self) -> bool {
        matches!(self, Step::Rest | Step::Some)
    }

    /// Whether no other such step of the same schema leads to the same part.
    pub(super) fn is_apart(self) -> bool {
        matches!(self, Step::One | Step::Rest)
    }
}

/// The keywords that hold a schema, a list of schemas or an object of schemas, and what these are asked about.
const KEYWORDS: [(&str, Step); 22] = [
    ("allOf", Step::InPlace),
    ("anyOf", Step::InPlace),
    ("oneOf", Step::InPlace),
    ("not", Step::InPlace),
    ("if", Step::InPlace),
    ("then", Step::InPlace),
    ("else", Step::InPlace),
    ("dependentSchemas", Step::InPlace),
    ("dependencies", Step::InPlace),
    ("contentSchema", Step::InPlace),
    ("properties", Step::One),
    ("prefixItems", Step::One),
    ("items", Step::Rest),
    ("additionalProperties", Step::Rest),
    ("patternProperties", Step::Some),
    ("propertyNames", Step::Some),
    ("contains", Step::Some),
    ("additionalItems", Step::Some),
    ("unevaluatedItems", Step::Some),
    ("unevaluatedProperties", Step::Some),
    ("$ref", Step::InPlace),
    ("$dynamicRef", Step::InPlace),
];

/// The keywords whose value is an object of schemas by name.
const BY_NAME: [&str; 4] = ["dependentSchemas", "dependencies", "properties", "patternProperties"];

/// They ask everything beside them again, to know what was asked.
const ASK_AGAIN: [&str; 2] = ["unevaluatedItems", "unevaluatedProperties"];
const TIMES_ASKED: usize = 3;

/// What a pattern costs, in keywords.
const PATTERN: usize = 8;

pub(super) struct Edge {
    pub(super) to: usize,
    pub(super) step: Step,
}

#[derive(Default)]
pub(super) struct Node {
    /// What it asks itself: its keywords, and the values that they list.
    pub(super) own: usize,
    pub(super) edges: Vec<Edge>,
}

/// All that the first node, the whole schema, leads to.
pub(super) struct Graph<'s> {
    pub(super) nodes: Vec<Node>,
    numbers: HashMap<*const Value, usize>,
    found: Vec<&'s Value>,
}

impl<'s> Graph<'s> {
    pub(super) fn of(root: &'s Value) -> Graph<'s> {
        let mut anchors = HashMap::new();
        list_anchors(root, &mut anchors);
        let mut graph = Graph { nodes: Vec::new(), numbers: HashMap::new(), found: Vec::new() };
        graph.number(root);
        let mut next = 0;
        while let Some(schema) = graph.found.get(next).copied() {
            if let Value::Object(fields) = schema {
                graph.nodes[next] = Node { own: own(fields), edges: graph.edges(fields, root, &anchors) };
            }
            next += 1;
        }
        graph
    }

    fn number(&mut self, schema: &'s Value) -> usize {
        let number = *self.numbers.entry(std::ptr::from_ref(schema)).or_insert(self.found.len());
        if number == self.found.len() {
            self.found.push(schema);
            self.nodes.push(Node { own: 1, edges: Vec::new() });
        }
        number
    }

    fn edges(
        &mut self,
        fields: &'s Map<String, Value>,
        root: &'s Value,
        anchors: &HashMap<&'s str, &'s Value>,
    ) -> Vec<Edge> {
        let asked = if ASK_AGAIN.iter().any(|name| fields.contains_key(*name)) { TIMES_ASKED } else { 1 };
        let mut edges = Vec::new();
        for (name, step) in KEYWORDS {
            let Some(value) = fields.get(name) else { continue };
            let schemas: Vec<&'s Value> = match value {
                Value::String(target) if name.starts_with('$') => {
                    resolve(target, root, anchors).into_iter().collect()
                }
                Value::Object(by_name) if BY_NAME.contains(&name) => by_name.values().collect(),
                Value::Array(schemas) => schemas.iter().collect(),
                schema => vec![schema],
            };
            let times = if step == Step::InPlace { asked } else { 1 };
            for schema in schemas.into_iter().filter(|schema| schema.is_object() || schema.is_boolean()) {
                let to = self.number(schema);
                edges.extend((0..times).map(|_| Edge { to, step }));
            }
        }
        edges
    }

    /// The nodes in groups that lead back to each other; what a group leads to comes before it.
    pub(super) fn groups(&self) -> Vec<Vec<usize>> {
        let mut back: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for (from, node) in self.nodes.iter().enumerate() {
            node.edges.iter().for_each(|edge| back[edge.to].push(from));
        }
        // Kosaraju's: backwards first, so that the order comes out as it is needed.
        let backwards = |at: usize| back[at].clone();
        let forwards = |at: usize| self.nodes[at].edges.iter().map(|edge| edge.to).collect();
        let mut left = vec![false; self.nodes.len()];
        let mut order = Vec::with_capacity(self.nodes.len());
        (0..self.nodes.len()).for_each(|start| visit(start, &backwards, &mut left, &mut order));
        let mut grouped = vec![false; self.nodes.len()];
        let mut groups = Vec::new();
        for start in order.into_iter().rev() {
            let mut group = Vec::new();
            visit(start, &forwards, &mut grouped, &mut group);
            if !group.is_empty() {
                groups.push(group);
            }
        }
        groups
    }
}

/// Adds `start` and all that it leads to and was not seen, what is led to first. Not by recursion: references make chains
/// as long as the document.
fn visit(start: usize, next: &impl Fn(usize) -> Vec<usize>, seen: &mut [bool], order: &mut Vec<usize>) {
    if std::mem::replace(&mut seen[start], true) {
        return;
    }
    let mut under_way = vec![(start, next(start))];
    while let Some((at, others)) = under_way.last_mut() {
        match others.pop() {
            Some(other) if !std::mem::replace(&mut seen[other], true) => under_way.push((other, next(other))),
            Some(_) => {}
            None => {
                order.push(*at);
                under_way.pop();
            }
        }
    }
}

/// The values that a schema's own keywords list.
fn own(fields: &Map<String, Value>) -> usize {
    let listed = ["enum", "const", "required", "dependentRequired", "type"];
    let values: usize = listed.iter().filter_map(|name| fields.get(*name)).map(super::parts).sum();
    let by_pattern = fields.get("patternProperties").and_then(Value::as_object).map_or(0, Map::len);
    let patterns = by_pattern + usize::from(fields.contains_key("pattern"));
    1 + fields.len() + values + patterns * PATTERN
}

fn resolve<'s>(target: &str, root: &'s Value, anchors: &HashMap<&'s str, &'s Value>) -> Option<&'s Value> {
    let fragment = percent_decoded(target.strip_prefix('#')?);
    if fragment.is_empty() || fragment.starts_with('/') {
        return root.pointer(&fragment);
    }
    anchors.get(fragment.as_str()).copied()
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match hex.filter(|_| bytes[at] == b'%') {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn list_anchors<'s>(value: &'s Value, anchors: &mut HashMap<&'s str, &'s Value>) {
    match value {
        Value::Object(fields) => {
            for name in ["$anchor", "$dynamicAnchor"] {
                if let Some(Value::String(anchor)) = fields.get(name) {
                    anchors.entry(anchor).or_insert(value);
                }
            }
            fields.values().for_each(|below| list_anchors(below, anchors));
        }
        Value::Array(items) => items.iter().for_each(|item| list_anchors(item, anchors)),
        _ => {}
    }
}
