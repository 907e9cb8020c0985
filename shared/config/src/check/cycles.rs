//! Events that workflows make never lead back to what made them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::documents::Draft;
use crate::documents::workflow::{EmitRule, Workflow};
use crate::error::{Origin, Problems};

/// More are not told at once: each is mended by hand.
const MOST_TOLD: usize = 16;

/// An event that a workflow makes.
#[derive(Clone, Copy)]
struct Made<'d> {
    origin: &'d Origin,
    workflow: &'d Workflow,
    rule: &'d EmitRule,
}

/// Tells every circle of events. Conditions do not count: whether they hold is known only when the circle turns.
pub(super) fn check(draft: &Draft, problems: &mut Problems) {
    let mut all = Vec::new();
    for (origin, workflow) in &draft.workflows {
        for rule in workflow.steps.iter().flat_map(|step| &step.emit) {
            all.push(Made { origin, workflow, rule });
        }
    }
    let mut told = BTreeSet::new();
    // A made event keeps the source of the one it was made for, so a circle is one within a source.
    for source in sources(draft) {
        let graph = graph(&all, source);
        for start in graph.keys() {
            let Some(circle) = shortest_circle(&graph, start) else { continue };
            let types: Vec<&str> = circle.iter().map(|made| made.rule.event_type.as_str()).collect();
            if told.len() == MOST_TOLD || !told.insert(types.iter().copied().collect::<BTreeSet<_>>()) {
                continue;
            }
            tell(&circle, &types, problems);
        }
    }
}

fn tell(circle: &[Made<'_>], types: &[&str], problems: &mut Problems) {
    let Some(first) = circle.first() else { return };
    let written: Vec<&str> = types.last().into_iter().chain(types).copied().collect();
    let workflows: BTreeSet<&str> = circle.iter().map(|made| made.workflow.name.as_str()).collect();
    let reason = format!(
        "made events lead back to what they were made for: {} (by {}); let one of them make another type",
        written.join(" -> "),
        workflows.into_iter().collect::<Vec<_>>().join(", ")
    );
    problems.add(first.origin, first.rule.place, reason);
}

fn sources(draft: &Draft) -> Vec<&str> {
    let names: Vec<&str> = draft.sources.iter().map(|(_, source)| source.name.as_str()).collect();
    if names.is_empty() { vec![""] } else { names }
}

/// Made event type → what is made for it.
fn graph<'d>(all: &[Made<'d>], source: &str) -> BTreeMap<&'d str, Vec<Made<'d>>> {
    let types: BTreeSet<&str> = all.iter().map(|made| made.rule.event_type.as_str()).collect();
    let made_for = |event_type: &str| {
        let triggered = |made: &&Made<'_>| {
            let trigger = &made.workflow.trigger;
            trigger.events.matches(event_type) && trigger.sources.matches(source)
        };
        all.iter().filter(triggered).copied().collect()
    };
    types.into_iter().map(|event_type| (event_type, made_for(event_type))).collect()
}

/// The shortest way from `start` back to it, as the events made on it; the last one is `start` again.
fn shortest_circle<'d>(graph: &BTreeMap<&'d str, Vec<Made<'d>>>, start: &str) -> Option<Vec<Made<'d>>> {
    let mut came_by: BTreeMap<&str, (Option<&str>, Made<'d>)> = BTreeMap::new();
    let mut next: VecDeque<Option<&str>> = VecDeque::from([None]);
    while let Some(at) = next.pop_front() {
        for made in graph.get(at.unwrap_or(start)).into_iter().flatten() {
            let event_type = made.rule.event_type.as_str();
            if came_by.contains_key(event_type) {
                continue;
            }
            came_by.insert(event_type, (at, *made));
            if event_type == start {
                return Some(way(&came_by, start));
            }
            next.push_back(Some(event_type));
        }
    }
    None
}

fn way<'d>(came_by: &BTreeMap<&str, (Option<&str>, Made<'d>)>, start: &str) -> Vec<Made<'d>> {
    let mut circle = Vec::new();
    let mut at = Some(start);
    while let Some((before, made)) = at.and_then(|at| came_by.get(at)) {
        circle.push(*made);
        at = *before;
    }
    circle.reverse();
    circle
}
