//! `Workflow`: what is decided about an event once the profile is known.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tributary_expressions::{Condition, Expression, Variables};

use super::{DocumentKind, Draft, Text};
use crate::at::At;
use crate::change::{self, ChangeRule, ChangeSpec};
use crate::error::{Origin, Place, Problems};
use crate::event_view::EventView;
use crate::names::{self, Events, EventsSpec};
use crate::sources::Sources;

/// The most steps of one workflow.
const MAX_STEPS: usize = 64;
/// The most changes and events of one step: the workflows of one event can make no more of them together.
const MAX_CHANGES: usize = 64;
const MAX_EMITS: usize = 16;

/// Steps that are run for the events its trigger lets through.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// Its name.
    pub name: String,
    /// Which events it runs for.
    pub trigger: Trigger,
    /// What it does, in order.
    pub steps: Vec<Step>,
}

/// Which events a workflow runs for.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// The event types.
    pub events: Events,
    /// The sources.
    pub sources: Sources,
    /// What must hold besides, asked once, before any step.
    pub condition: Option<Condition>,
    pub(crate) condition_place: Place,
}

impl Workflow {
    /// Whether it is about `event`: its type and its source.
    #[must_use]
    pub fn means(&self, event: &EventView<'_>) -> bool {
        self.trigger.events.matches(event.event_type) && self.trigger.sources.matches(event.source)
    }
}

/// One step: changes and events, if its condition holds.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its name, for the record of the run.
    pub name: Option<String>,
    /// When it is taken; always, without one.
    pub when: Option<Condition>,
    /// What changes when it is taken.
    pub then: Vec<ChangeRule>,
    /// What changes when it is not taken.
    pub otherwise: Vec<ChangeRule>,
    /// The events that are made when it is taken.
    pub emit: Vec<EmitRule>,
    pub(crate) when_place: Place,
}

/// An event that a step makes.
#[derive(Debug, Clone)]
pub struct EmitRule {
    /// Its type.
    pub event_type: String,
    /// Its properties.
    pub properties: BTreeMap<String, PropertyValue>,
    /// Where its type is written.
    pub(crate) place: Place,
    /// Where its properties are written.
    pub(crate) places: BTreeMap<String, Place>,
}

/// Where a property of a made event comes from.
#[derive(Debug, Clone)]
pub enum PropertyValue {
    /// It is written in the document.
    Literal(Value),
    /// It is computed; the property is left out when it cannot be.
    Computed(Expression),
}

/// What is decided about an event once the profile is known.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Workflow")]
pub(crate) struct WorkflowSpec {
    trigger: TriggerSpec,
    /// What is done, in order: 1 to 64 steps, each seeing what the ones before it changed.
    #[schemars(length(min = 1, max = 64))]
    steps: At<Vec<At<StepSpec>>>,
}

/// Which events the workflow runs for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Trigger")]
struct TriggerSpec {
    /// The event types, or "*" for all.
    events: At<EventsSpec>,
    /// Only events of these sources; of all, when left out.
    #[serde(default)]
    #[schemars(length(min = 1))]
    sources: Option<At<Vec<At<String>>>>,
    /// What must hold besides, in CEL over event, profile, session and now; asked once, before any step.
    #[serde(default)]
    condition: Option<At<String>>,
}

/// Changes and events, if a condition holds.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    rename = "Step",
    extend("anyOf" = [{"required": ["then"]}, {"required": ["otherwise"]}, {"required": ["emit"]}])
)]
struct StepSpec {
    /// Its name, for the record of the run.
    #[serde(default)]
    name: Option<String>,
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

/// An event that a step makes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Emit")]
struct EmitSpec {
    /// Its type.
    #[serde(rename = "type")]
    event_type: At<String>,
    /// Its properties: `{expr: CEL}` is computed, everything else stands for itself.
    #[serde(default)]
    properties: BTreeMap<String, At<Value>>,
}

impl DocumentKind for Workflow {
    const NAME: &'static str = "Workflow";
    type Spec = WorkflowSpec;

    fn read(spec: WorkflowSpec, text: &Text<'_>, problems: &mut Problems) -> Option<Workflow> {
        let events = Events::from_spec(spec.trigger.events.value);
        if let Err(reason) = &events {
            problems.add(text.origin, spec.trigger.events.place, reason);
        }
        let sources = Sources::from_spec(spec.trigger.sources, text.origin, problems);
        let condition_place = place_of(&spec.trigger.condition);
        let condition = condition("condition", spec.trigger.condition, text.origin, problems);
        let place: Place = spec.steps.place;
        match spec.steps.value.len() {
            0 => problems.add(text.origin, place, "a workflow needs at least one step"),
            1..=MAX_STEPS => {}
            steps => {
                problems.add(text.origin, place, format!("{steps} steps; at most {MAX_STEPS} are allowed"))
            }
        }
        let steps = spec.steps.value.into_iter().map(|spec| step(spec, text.origin, problems)).collect();
        let trigger = Trigger { events: events.ok()?, sources, condition, condition_place };
        Some(Workflow { name: text.name.to_string(), trigger, steps })
    }

    fn add_to(self, draft: &mut Draft, origin: Origin) {
        draft.workflows.push((origin, self));
    }
}

fn step(spec: At<StepSpec>, origin: &Origin, problems: &mut Problems) -> Step {
    let place = spec.place;
    let spec = spec.value;
    if spec.then.is_empty() && spec.otherwise.is_empty() && spec.emit.is_empty() {
        problems.add(origin, place, "a step without then, otherwise and emit does nothing");
    }
    if spec.when.is_none() && !spec.otherwise.is_empty() {
        problems.add(origin, place, "otherwise needs a when: without one the step is always taken");
    }
    let lists = [("then", spec.then.len()), ("otherwise", spec.otherwise.len())];
    for (what, many) in lists.into_iter().filter(|(_, many)| *many > MAX_CHANGES) {
        problems.add(origin, place, format!("{what}: {many} changes; at most {MAX_CHANGES} can be made"));
    }
    if spec.emit.len() > MAX_EMITS {
        problems.add(
            origin,
            place,
            format!("emit: {} events; at most {MAX_EMITS} can be made", spec.emit.len()),
        );
    }
    Step {
        name: spec.name,
        when_place: place_of(&spec.when),
        when: condition("when", spec.when, origin, problems),
        then: change::rules(spec.then, Variables::All, origin, problems),
        otherwise: change::rules(spec.otherwise, Variables::All, origin, problems),
        emit: spec.emit.into_iter().map(|spec| emit(spec, origin, problems)).collect(),
    }
}

fn condition(
    what: &str,
    source: Option<At<String>>,
    origin: &Origin,
    problems: &mut Problems,
) -> Option<Condition> {
    change::condition(what, source, Variables::All, origin, problems)
}

fn place_of<T>(optional: &Option<At<T>>) -> Place {
    optional.as_ref().map_or_else(Place::default, |given| given.place)
}

fn emit(spec: EmitSpec, origin: &Origin, problems: &mut Problems) -> EmitRule {
    if let Err(reason) = names::check_event_type(&spec.event_type.value) {
        problems.add(origin, spec.event_type.place, reason);
    }
    let (mut properties, mut places) = (BTreeMap::new(), BTreeMap::new());
    for (name, value) in spec.properties {
        let place = value.place;
        places.insert(name.clone(), place);
        match property(value.value) {
            Ok(value) => {
                properties.insert(name, value);
            }
            Err(reason) => problems.add(origin, place, format!("{name}: {reason}")),
        }
    }
    EmitRule { event_type: spec.event_type.value, properties, place: spec.event_type.place, places }
}

/// `{expr: CEL}` is computed, everything else stands for itself.
fn property(value: Value) -> Result<PropertyValue, String> {
    let expr = value.as_object().filter(|object| object.len() == 1).and_then(|object| object.get("expr"));
    match expr {
        Some(Value::String(source)) => {
            Expression::compile(source).map(PropertyValue::Computed).map_err(|error| format!("expr: {error}"))
        }
        Some(_) => Err("expr must be a text".into()),
        None => Ok(PropertyValue::Literal(value)),
    }
}
