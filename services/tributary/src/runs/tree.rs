//! A run as a tree: what follows on a node stands below it, and where several follow, each is a branch.

use std::collections::BTreeMap;

use serde_json::Value;
use tributary_proto::v1::{self, WorkflowRunState};

use super::{milliseconds, object, operation, value};
use crate::{
    out::{self, Style},
    read,
};

/// Room for a value.
const ROOM: usize = 100;

/// A run for people: how it came to its end, then what it did.
///
/// # Errors
/// What the mesh answered cannot be read.
pub(crate) fn text(run: &v1::WorkflowRun, style: Style) -> anyhow::Result<String> {
    let mut lines = vec![heading(run, style)];
    let tree = Tree::of(run, style);
    tree.draw(&tree.roots, "  ", &mut lines)?;
    lines.extend(done(run, style)?.into_iter().map(|line| format!("  {line}")));
    Ok(lines.join("\n"))
}

fn heading(run: &v1::WorkflowRun, style: Style) -> String {
    let mut line = style.bold(format_args!("workflow {}", run.workflow));
    if !run.event_type.is_empty() {
        line.push_str(&format!(" for {}", out::short(&run.event_type, 128)));
    }
    if run.resumed {
        line.push_str(", which went on after a pause");
    }
    line
}

/// What it did, and how far it has come.
fn done(run: &v1::WorkflowRun, style: Style) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for change in &run.changes {
        let operand = value(change.value.as_ref())?.map(|value| format!(" {}", short(&value)));
        lines.push(format!("{} {}{}", change.path, operation(change), operand.unwrap_or_default()));
    }
    lines.extend(run.emits.iter().map(|emitted| format!("emits {}", out::short(emitted, 128))));
    lines.extend(run.deliveries.iter().map(|destination| format!("sends to {destination}")));
    if let Some(response) = object(run.response.as_ref())? {
        lines.push(format!("answers {}", short(&response)));
    }
    if !run.failure.is_empty() {
        lines.push(style.red(format_args!("fails, and does nothing: {}", run.failure)));
    }
    if run.state() == WorkflowRunState::Paused {
        lines.push(style.yellow(waits(run)));
    }
    Ok(lines)
}

fn waits(run: &v1::WorkflowRun) -> String {
    let until = run.until.as_ref().map(|until| format!("until {}", read::time(Some(until))));
    let events = (!run.waits_for.is_empty()).then(|| format!("for {}", run.waits_for.join(" or ")));
    let both: Vec<String> = events.into_iter().chain(until).collect();
    format!("waits {}", both.join(", "))
}

struct Tree<'r> {
    run: &'r v1::WorkflowRun,
    style: Style,
    /// Each once, however many turns it had.
    nodes: Vec<v1::NodeRun>,
    /// What the run, or what is told of it, begins with.
    roots: Vec<usize>,
    /// What followed on each node.
    follow: BTreeMap<usize, Vec<usize>>,
}

impl<'r> Tree<'r> {
    fn of(run: &'r v1::WorkflowRun, style: Style) -> Tree<'r> {
        let nodes = once(&run.nodes);
        let mut tree = Tree { run, style, nodes, roots: Vec::new(), follow: BTreeMap::new() };
        for (index, node) in tree.nodes.iter().enumerate() {
            // Of a run that went on, what led to the first node was told before its pause.
            match came_from(&tree.nodes[..index], node) {
                Some(above) => tree.follow.entry(above).or_default().push(index),
                None => tree.roots.push(index),
            }
        }
        tree
    }

    /// Nodes that follow on the same one: a single one goes on straight, several branch.
    fn draw(&self, nodes: &[usize], margin: &str, lines: &mut Vec<String>) -> anyhow::Result<()> {
        if let [only] = nodes {
            return self.chain(*only, margin, margin, lines);
        }
        for (index, node) in nodes.iter().enumerate() {
            let (corner, below) =
                if index + 1 == nodes.len() { ("└─", "  ") } else { ("├─", "│ ") };
            self.chain(*node, &format!("{margin}{corner}"), &format!("{margin}{below}"), lines)?;
        }
        Ok(())
    }

    /// A node and all that comes after it. Its first line has the margin `first`, all further ones `margin`.
    fn chain(
        &self,
        mut node: usize,
        first: &str,
        margin: &str,
        lines: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        let mut before = first;
        loop {
            lines.push(format!("{before}● {}", self.node(node)));
            let next = self.follow.get(&node).map(Vec::as_slice).unwrap_or_default();
            let line = if next.is_empty() { " " } else { "│" };
            for detail in self.details(node)? {
                lines.push(format!("{margin}{line}   {detail}"));
            }
            match next {
                [only] => (node, before) = (*only, margin),
                several => return self.draw_branches(several, margin, lines),
            }
        }
    }

    fn draw_branches(&self, nodes: &[usize], margin: &str, lines: &mut Vec<String>) -> anyhow::Result<()> {
        if nodes.is_empty() { Ok(()) } else { self.draw(nodes, margin, lines) }
    }

    /// Its name, its kind, and how it was left.
    fn node(&self, index: usize) -> String {
        let (node, style) = (&self.nodes[index], self.style);
        let item = if node.item == 0 { String::new() } else { format!(" [{}]", node.item) };
        let paused = self.run.state() == WorkflowRunState::Paused;
        let left = match (node.port.as_str(), node.kind.as_str()) {
            ("", "stop") => style.dim("stops the run"),
            ("", "pause" | "wait_for" | "time_window") if paused => style.yellow("waits"),
            ("", _) => style.dim("ends here"),
            ("error", _) => format!("→ {}", style.red("error")),
            (port, _) => format!("→ {}", style.green(port)),
        };
        let why = if node.why.is_empty() { String::new() } else { format!("  {}", style.dim(&node.why)) };
        format!("{}{item}  {} {left}{why}", style.bold(&node.node), node.kind)
    }

    fn details(&self, index: usize) -> anyhow::Result<Vec<String>> {
        let (node, style) = (&self.nodes[index], self.style);
        let mut lines = Vec::new();
        if let Some(Value::Object(saw)) = object(node.saw.as_ref())? {
            lines.extend(saw.iter().map(|(name, value)| format!("{name} is {}", short(value))));
        }
        let missing = node.missing.iter().map(|path| style.yellow(format_args!("{path} is missing")));
        lines.extend(missing);
        lines.extend(node.refused.iter().map(|refused| style.red(refused)));
        if let Some(output) = value(node.output.as_ref())? {
            lines.push(format!("remembers {}", short(&output)));
        }
        if let Some(took) = milliseconds(node) {
            lines.push(style.dim(format_args!("took {took:.1} ms")));
        }
        match node.changes {
            0 => {}
            1 => lines.push("1 change".to_owned()),
            several => lines.push(format!("{several} changes")),
        }
        Ok(lines)
    }
}

/// A node that asks or waits has a turn before and one behind the answer: told is one, at the place of the first.
fn once(turns: &[v1::NodeRun]) -> Vec<v1::NodeRun> {
    let mut nodes: Vec<v1::NodeRun> = Vec::new();
    for turn in turns {
        let is_it = |node: &&mut v1::NodeRun| {
            (&node.node, node.item) == (&turn.node, turn.item) && node.port.is_empty()
        };
        match nodes.iter_mut().find(is_it) {
            Some(node) => goes_on(node, turn),
            None => nodes.push(turn.clone()),
        }
    }
    nodes
}

fn goes_on(node: &mut v1::NodeRun, turn: &v1::NodeRun) {
    node.port.clone_from(&turn.port);
    if !turn.why.is_empty() {
        node.why.clone_from(&turn.why);
    }
    node.missing.extend(turn.missing.iter().cloned());
    node.refused.extend(turn.refused.iter().cloned());
    // What it saw last counts, where it looked again.
    node.saw = turn.saw.clone().or(node.saw.take());
    node.output = turn.output.clone().or(node.output.take());
    node.changes += turn.changes;
    node.took = turn.took.or(node.took);
}

/// The node that led to this one, if it is among those before: within a for-each that of the same item.
fn came_from(before: &[v1::NodeRun], node: &v1::NodeRun) -> Option<usize> {
    if node.from_node.is_empty() {
        return None;
    }
    let with = |item: u32| before.iter().rposition(|one| one.node == node.from_node && one.item == item);
    with(node.item).or_else(|| with(0))
}

/// A value in one line.
fn short(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", out::short(text, ROOM)),
        other => out::short(&other.to_string(), ROOM),
    }
}

#[cfg(test)]
mod tests;
