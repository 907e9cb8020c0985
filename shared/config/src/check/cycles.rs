//! Events that workflows make never lead back to what made them. Wherever in a workflow an event is made, it counts as made
//! for the events of the trigger. What a run waits for does not count: no run goes on forever, so what goes on forever begins
//! new runs, and only triggers do that.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Surveys;
use crate::at::At;
use crate::documents::Draft;
use crate::documents::workflow::Workflow;
use crate::error::{Origin, Problems};
use crate::names::Events;

/// More are not told at once: each is mended by hand.
const MOST_TOLD: usize = 16;

/// An event that a workflow makes.
#[derive(Clone, Copy)]
struct Made<'d> {
    origin: &'d Origin,
    workflow: &'d Workflow,
    event_type: &'d At<String>,
}

/// Tells every circle of events. Conditions do not count: whether they hold is known only when the circle turns.
pub(super) fn check(draft: &Draft, surveys: &Surveys<'_>, problems: &mut Problems) {
    let mut told = BTreeSet::new();
    // A made event keeps the source of the one it was made for, so a circle is one within a source.
    for source in sources(draft) {
        let mut graph = graph(surveys, source);
        peel(&mut graph);
        for start in graph.keys() {
            let Some(circle) = shortest_circle(&graph, start) else { continue };
            let types: Vec<&str> = circle.iter().map(|made| made.event_type.value.as_str()).collect();
            if told.insert(types.iter().copied().collect::<BTreeSet<_>>()) {
                tell(&circle, &types, problems);
            }
            if told.len() == MOST_TOLD {
                return;
            }
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
    problems.add(first.origin, first.event_type.place, reason);
}

/// The sources that circles may differ by: one stands for all where no trigger names any.
fn sources(draft: &Draft) -> Vec<&str> {
    let named = draft.workflows.iter().any(|(_, workflow)| workflow.trigger.sources.names().next().is_some());
    let names = draft.sources.iter().map(|(_, source)| source.name.as_str());
    names.chain([""]).take(if named { usize::MAX } else { 1 }).collect()
}

/// Made event type → what is made for it.
fn graph<'d>(surveys: &Surveys<'d>, source: &str) -> BTreeMap<&'d str, Vec<Made<'d>>> {
    let (mut for_all, mut for_type) = (Vec::new(), BTreeMap::<&str, Vec<Made<'d>>>::new());
    for (workflow, survey) in
        surveys.workflows.iter().filter(|(workflow, _)| workflow.trigger.sources.matches(source))
    {
        let origin = survey.origin;
        let made = survey.emits.iter().map(|event_type| Made { origin, workflow, event_type });
        let made: Vec<Made<'_>> = made.collect();
        match &workflow.trigger.events {
            Events::Any => for_all.extend(made),
            Events::Types(types) => {
                types.iter().for_each(|event_type| for_type.entry(event_type).or_default().extend(&made));
            }
        }
    }
    // What is made for every type is made for its own one too: a circle by itself, and the only one that needs telling.
    for made in for_all {
        for_type.entry(&made.event_type.value).or_default().push(made);
    }
    for_type
}

/// Takes out the types that nothing leads to, again and again: what is left of a graph without circles is nothing, and
/// nothing is searched in vain.
fn peel(graph: &mut BTreeMap<&str, Vec<Made<'_>>>) {
    let mut leading: BTreeMap<&str, usize> = graph.keys().map(|event_type| (*event_type, 0)).collect();
    for made in graph.values().flatten() {
        leading.entry(&made.event_type.value).and_modify(|count| *count += 1);
    }
    let mut unled: Vec<&str> =
        leading.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    while let Some(event_type) = unled.pop() {
        for made in graph.remove(event_type).unwrap_or_default() {
            let next = made.event_type.value.as_str();
            if let Some(count) = leading.get_mut(next) {
                *count -= 1;
                if *count == 0 {
                    unled.push(next);
                }
            }
        }
    }
}

/// The shortest way from `start` back to it, as the events made on it; the last one is `start` again.
fn shortest_circle<'d>(graph: &BTreeMap<&'d str, Vec<Made<'d>>>, start: &str) -> Option<Vec<Made<'d>>> {
    let mut came_by: BTreeMap<&str, (Option<&str>, Made<'d>)> = BTreeMap::new();
    let mut next: VecDeque<Option<&str>> = VecDeque::from([None]);
    while let Some(at) = next.pop_front() {
        for made in graph.get(at.unwrap_or(start)).into_iter().flatten() {
            let event_type = made.event_type.value.as_str();
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
