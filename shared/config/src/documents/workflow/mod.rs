//! `Workflow`: what is decided about an event once the profile is known. A chain of steps, or a graph of nodes.

mod edges;
pub(crate) mod emit;
mod graph;
pub(crate) mod nodes;
pub(crate) mod operand;
pub(crate) mod reading;
mod steps;
mod trigger;
mod ways;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_engine::{Graph, Triggered};

use super::destination::HeaderValue;
use super::{DocumentKind, Draft, Text};
use crate::at::At;
use crate::error::{Origin, Place, Problems};
use crate::event_view::EventView;
use crate::survey::{Survey, Text as SurveyedText};

use nodes::{AnyNode, NodeSpec, Written};
use steps::NamedStepSpec;
pub use trigger::Trigger;
use trigger::TriggerSpec;

/// What is run for the events its trigger lets through.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// Its name.
    pub name: String,
    /// Which events it runs for.
    pub trigger: Trigger,
    /// What it does.
    pub graph: Arc<Graph>,
    /// The headers of the requests that its nodes make, by node.
    pub headers: BTreeMap<String, Vec<(String, HeaderValue)>>,
    /// The graph's nodes in its order, for the checks.
    pub(crate) nodes: Vec<Arc<dyn AnyNode>>,
}

impl Workflow {
    /// Whether it is about `event`: its type and its source.
    #[must_use]
    pub fn means(&self, event: &EventView<'_>) -> bool {
        self.trigger.events.matches(event.event_type) && self.trigger.sources.matches(event.source)
    }

    /// It, as the engine takes it for an event that it [means](Workflow::means).
    #[must_use]
    pub fn triggered(&self) -> Triggered<'_> {
        Triggered {
            workflow: &self.name,
            graph: &self.graph,
            condition: self.trigger.condition.as_ref(),
            consents: &self.trigger.consents,
        }
    }
}

/// What is decided about an event once the profile is known: steps in order, or nodes that lead to each other.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Workflow", extend("oneOf" = [{"required": ["steps"]}, {"required": ["nodes"]}]))]
pub(crate) struct WorkflowSpec {
    trigger: At<TriggerSpec>,
    /// What is done, in order: 1 to 64 steps, each seeing what the ones before it changed.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    steps: Option<At<Vec<At<NamedStepSpec>>>>,
    /// What is done: 1 to 128 nodes, each leading to others.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128))]
    nodes: Option<At<Vec<At<NodeSpec>>>>,
    /// The nodes that it begins with; the first one, when left out.
    #[serde(default)]
    #[schemars(length(min = 1))]
    start: Option<At<Vec<At<String>>>>,
}

impl DocumentKind for Workflow {
    const NAME: &'static str = "Workflow";
    type Spec = WorkflowSpec;

    fn read(spec: WorkflowSpec, text: &Text<'_>, problems: &mut Problems) -> Option<Workflow> {
        let trigger = trigger::read(spec.trigger.value, text.origin, problems);
        let start = spec.start;
        let nodes = match (spec.steps, spec.nodes) {
            (Some(steps), None) => {
                if let Some(start) = &start {
                    problems.add(text.origin, start.place, "steps begin with the first one: leave start out");
                }
                Some(steps::read(steps, text.origin, problems))
            }
            (None, Some(nodes)) => graph::read(nodes, text.origin, problems),
            (Some(_), Some(nodes)) => {
                problems.add(text.origin, nodes.place, "a workflow has steps or nodes, not both");
                None
            }
            (None, None) => {
                problems.add(text.origin, Place::default(), "a workflow needs steps or nodes");
                None
            }
        };
        let nodes = nodes?;
        let start = start.map_or_else(Vec::new, |start| start.value);
        let joined = graph::join(&nodes, &start, text.origin, problems)?;
        let all = graph::all(&nodes);
        let headers = |node: &&Written| {
            let headers = node.node.headers()?.clone();
            Some((node.name.value.clone(), headers))
        };
        Some(Workflow {
            name: text.name.to_string(),
            trigger: trigger?,
            headers: all.iter().filter_map(headers).collect(),
            nodes: all.iter().map(|node| Arc::clone(&node.node)).collect(),
            graph: Arc::new(joined),
        })
    }

    fn add_to(self, draft: &mut Draft, origin: Origin) {
        draft.workflows.push((origin, self));
    }
}

impl Workflow {
    /// What its nodes evaluate, write, make and name.
    pub(crate) fn survey<'d>(&'d self, origin: &'d Origin) -> Survey<'d> {
        let mut survey = Survey::new(origin, &self.trigger.events, &self.trigger.sources);
        if let Some(condition) = &self.trigger.condition {
            survey.add("condition", self.trigger.condition_place, SurveyedText::Condition(condition));
            survey.guards.push((condition, true));
        }
        ways::survey(&self.graph, &self.nodes, &mut survey);
        survey
    }
}
