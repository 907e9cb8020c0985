//! `Workflow`: what is decided about an event once the profile is known.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;
use tributary_expressions::{Condition, Expression};

use super::{Document, Text};
use crate::change::{self, ChangeRule, ChangeSpec, Computing};
use crate::error::{Origin, Place, Problems};
use crate::names::{self, Events, EventsSpec};
use crate::yaml;

/// The most steps of one workflow.
const MAX_STEPS: usize = 64;

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
    /// What must hold besides, asked once, before any step.
    pub condition: Option<Condition>,
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
}

/// An event that a step makes.
#[derive(Debug, Clone)]
pub struct EmitRule {
    /// Its type.
    pub event_type: String,
    /// Its properties.
    pub properties: BTreeMap<String, PropertyValue>,
}

/// Where a property of a made event comes from.
#[derive(Debug, Clone)]
pub enum PropertyValue {
    /// It is written in the document.
    Literal(Value),
    /// It is computed; the property is left out when it cannot be.
    Computed(Expression),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    trigger: TriggerSpec,
    steps: Spanned<Vec<Spanned<StepSpec>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TriggerSpec {
    events: Spanned<EventsSpec>,
    #[serde(default)]
    condition: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepSpec {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    when: Option<Spanned<String>>,
    #[serde(default)]
    then: Vec<ChangeSpec>,
    #[serde(default)]
    otherwise: Vec<ChangeSpec>,
    #[serde(default)]
    emit: Vec<EmitSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmitSpec {
    #[serde(rename = "type")]
    event_type: Spanned<String>,
    #[serde(default)]
    properties: BTreeMap<String, Spanned<Value>>,
}

pub(super) fn read(text: &Text<'_>, problems: &mut Problems) -> Option<Document> {
    let spec: Spec = yaml::spec(text.yaml, text.origin, problems)?;
    let events = Events::from_spec(spec.trigger.events.value);
    if let Err(reason) = &events {
        problems.add(text.origin, spec.trigger.events.referenced.into(), reason);
    }
    let condition = condition("condition", spec.trigger.condition, text.origin, problems);
    let place: Place = spec.steps.referenced.into();
    match spec.steps.value.len() {
        0 => problems.add(text.origin, place, "a workflow needs at least one step"),
        1..=MAX_STEPS => {}
        steps => problems.add(text.origin, place, format!("{steps} steps; at most {MAX_STEPS} are allowed")),
    }
    let steps = spec.steps.value.into_iter().map(|spec| step(spec, text.origin, problems)).collect();
    let trigger = Trigger { events: events.ok()?, condition };
    Some(Document::Workflow(Workflow { name: text.name.to_string(), trigger, steps }))
}

fn step(spec: Spanned<StepSpec>, origin: &Origin, problems: &mut Problems) -> Step {
    let place = spec.referenced.into();
    let spec = spec.value;
    if spec.then.is_empty() && spec.otherwise.is_empty() && spec.emit.is_empty() {
        problems.add(origin, place, "a step without then, otherwise and emit does nothing");
    }
    if spec.when.is_none() && !spec.otherwise.is_empty() {
        problems.add(origin, place, "otherwise needs a when: without one the step is always taken");
    }
    Step {
        name: spec.name,
        when: condition("when", spec.when, origin, problems),
        then: change::rules(spec.then, Computing::Allowed, origin, problems),
        otherwise: change::rules(spec.otherwise, Computing::Allowed, origin, problems),
        emit: spec.emit.into_iter().map(|spec| emit(spec, origin, problems)).collect(),
    }
}

fn condition(
    what: &str,
    source: Option<Spanned<String>>,
    origin: &Origin,
    problems: &mut Problems,
) -> Option<Condition> {
    let source = source?;
    match Condition::compile(&source.value) {
        Ok(condition) => Some(condition),
        Err(error) => {
            problems.add(origin, source.referenced.into(), format!("{what}: {error}"));
            None
        }
    }
}

fn emit(spec: EmitSpec, origin: &Origin, problems: &mut Problems) -> EmitRule {
    if let Err(reason) = names::check_event_type(&spec.event_type.value) {
        problems.add(origin, spec.event_type.referenced.into(), reason);
    }
    let mut properties = BTreeMap::new();
    for (name, value) in spec.properties {
        let place = value.referenced.into();
        match property(value.value) {
            Ok(value) => {
                properties.insert(name, value);
            }
            Err(reason) => problems.add(origin, place, format!("{name}: {reason}")),
        }
    }
    EmitRule { event_type: spec.event_type.value, properties }
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
