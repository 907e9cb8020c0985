//! A workflow as a chain of steps: each becomes a node of kind `step` that leads to the next.

use schemars::JsonSchema;
use serde::Deserialize;

use super::edges::Way;
use super::emit::EmitSpec;
use super::nodes::Written;
use super::nodes::step::{Step, StepSpec};
use super::reading::Reading;
use crate::at::At;
use crate::change::ChangeSpec;
use crate::error::{Origin, Place, Problems};
use crate::names;

/// The most steps of one workflow.
const MAX_STEPS: usize = 64;

/// Changes and events, if a condition holds.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    rename = "Step",
    extend("anyOf" = [{"required": ["then"]}, {"required": ["otherwise"]}, {"required": ["emit"]}])
)]
pub(super) struct NamedStepSpec {
    /// Its name, for the record of the run; `step-<n>` when left out.
    #[serde(default)]
    name: Option<At<String>>,
    /// When it is taken, in CEL over event, profile, session and now; always, without one.
    #[serde(default)]
    when: Option<At<String>>,
    /// What changes in the profile when it is taken.
    #[serde(default)]
    #[schemars(length(max = 64))]
    then: Vec<ChangeSpec>,
    /// What changes in the profile when it is not taken.
    #[serde(default)]
    #[schemars(length(max = 64))]
    otherwise: Vec<ChangeSpec>,
    /// The events that are made when it is taken.
    #[serde(default)]
    #[schemars(length(max = 16))]
    emit: Vec<EmitSpec>,
}

/// Reads steps as nodes; what is wrong with one is told.
pub(super) fn read(
    steps: At<Vec<At<NamedStepSpec>>>,
    origin: &Origin,
    problems: &mut Problems,
) -> Vec<Written> {
    let place: Place = steps.place;
    match steps.value.len() {
        0 => problems.add(origin, place, "a workflow needs at least one step"),
        1..=MAX_STEPS => {}
        steps => problems.add(origin, place, format!("{steps} steps; at most {MAX_STEPS} are allowed")),
    }
    let mut nodes: Vec<Written> = Vec::with_capacity(steps.value.len());
    for (number, step) in (1..).zip(steps.value) {
        let Some(node) = read_one(number, step, origin, problems) else { continue };
        if let Some(last) = nodes.last_mut() {
            last.ways.push(Way { port: "done".into(), to: node.name.clone() });
        }
        nodes.push(node);
    }
    nodes
}

fn read_one(
    number: usize,
    step: At<NamedStepSpec>,
    origin: &Origin,
    problems: &mut Problems,
) -> Option<Written> {
    let At { value: step, place } = step;
    let unnamed = || At { value: format!("step-{number}"), place };
    let name = step.name.unwrap_or_else(unnamed);
    if let Err(reason) = names::check_name("the step's name", &name.value) {
        problems.add(origin, name.place, reason);
    }
    let NamedStepSpec { when, then, otherwise, emit, .. } = NamedStepSpec { name: None, ..step };
    let spec = At { value: StepSpec { when, then, otherwise, emit }, place };
    let mut reading = Reading::new(origin, problems);
    Written::of::<Step>(name, spec, &mut reading)
}
