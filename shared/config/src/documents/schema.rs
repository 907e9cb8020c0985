//! `Schema`: what events of a type must look like.

mod limits;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Depth, DocumentKind, Draft, Text};
use crate::at::At;
use crate::error::{Origin, Place, Problems};
use crate::event_view::EventView;
use crate::names::{Events, EventsSpec};
use crate::shape::{MAX_MISFITS, Misfit, Shape};
use crate::sources::Sources;

/// The most examples of one schema.
const MAX_EXAMPLES: usize = 20;

/// What events of some types must look like.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Its name.
    pub name: String,
    /// The event types it is about.
    pub events: Events,
    /// The sources it is about.
    pub sources: Sources,
    /// Events that fit.
    pub examples: Vec<Example>,
    properties: Option<Shape>,
    context: Option<Shape>,
    /// The schema of the properties as it is written, to tell which ones there can be.
    pub(crate) properties_schema: Option<Value>,
}

/// What an event that fits may say.
#[derive(Debug, Clone)]
pub struct Example {
    /// Its properties.
    pub properties: Map<String, Value>,
    /// Its context.
    pub context: Map<String, Value>,
    pub(crate) place: Place,
}

impl Schema {
    /// Whether it is about `event`: its type and its source.
    #[must_use]
    pub fn means(&self, event: &EventView<'_>) -> bool {
        self.events.matches(event.event_type) && self.sources.matches(event.source)
    }

    /// Where `event` does not fit: nowhere where it is not about it, at most 16 places.
    #[must_use]
    pub fn misfits(&self, event: &EventView<'_>) -> Vec<Misfit> {
        if !self.means(event) {
            return Vec::new();
        }
        self.misfits_of(event.properties, event.context)
    }

    fn misfits_of(&self, properties: &Map<String, Value>, context: &Map<String, Value>) -> Vec<Misfit> {
        let mut misfits = Vec::new();
        if let Some(shape) = &self.properties {
            shape.check(properties, "properties", &mut misfits);
        }
        if let Some(shape) = &self.context
            && misfits.len() < MAX_MISFITS
        {
            shape.check(context, "context", &mut misfits);
        }
        misfits
    }
}

/// What events of some types must look like. An event that does not fit is stored and counted, and nothing else is done
/// with it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Schema")]
pub(crate) struct SchemaSpec {
    /// The event types it is about, or "*" for all.
    events: At<EventsSpec>,
    /// The sources it is about; all when left out.
    #[serde(default)]
    #[schemars(length(min = 1))]
    sources: Option<At<Vec<At<String>>>>,
    /// The JSON Schema (draft 2020-12) of the event's properties.
    #[serde(default)]
    #[schemars(with = "Option<Map<String, Value>>")]
    properties: Option<At<Value>>,
    /// The JSON Schema (draft 2020-12) of the event's context.
    #[serde(default)]
    #[schemars(with = "Option<Map<String, Value>>")]
    context: Option<At<Value>>,
    /// Events that fit: expressions about this type are tried on them before anything runs.
    #[serde(default)]
    #[schemars(length(max = 64))]
    examples: Option<At<Vec<At<ExampleSpec>>>>,
}

/// What an event that fits may say.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Example")]
pub(crate) struct ExampleSpec {
    /// Its properties.
    #[serde(default)]
    properties: Map<String, Value>,
    /// Its context.
    #[serde(default)]
    context: Map<String, Value>,
}

impl DocumentKind for Schema {
    const NAME: &'static str = "Schema";
    type Spec = SchemaSpec;

    fn read(spec: SchemaSpec, text: &Text<'_>, problems: &mut Problems) -> Option<Schema> {
        let events = match Events::from_spec(spec.events.value) {
            Ok(events) => events,
            Err(reason) => {
                problems.add(text.origin, spec.events.place, reason);
                Events::Types(BTreeSet::new())
            }
        };
        let sources = Sources::from_spec(spec.sources, text.origin, problems);
        if spec.properties.is_none() && spec.context.is_none() {
            let reason = "a schema says something of properties, of context or of both";
            problems.add(text.origin, Place::default(), reason);
        }
        let mut compile = |what: &str, schema: Option<At<Value>>| {
            let schema = schema?;
            Shape::compile(&schema.value)
                .map_err(|reason| problems.add(text.origin, schema.place, format!("{what}: {reason}")))
                .ok()
        };
        let properties_schema = spec.properties.as_ref().map(|schema| schema.value.clone());
        let properties = compile("properties", spec.properties);
        let context = compile("context", spec.context);
        let name = text.name.to_string();
        let mut schema =
            Schema { name, events, sources, examples: Vec::new(), properties, context, properties_schema };
        if let Some(examples) = spec.examples.filter(|_| text.depth == Depth::Whole) {
            schema.examples = schema.fitting(examples, text.origin, problems);
        }
        Some(schema)
    }

    fn add_to(self, draft: &mut Draft, origin: Origin) {
        draft.schemas.push((origin, self));
    }
}

impl Schema {
    /// The examples that fit; the others are told.
    fn fitting(
        &self,
        spec: At<Vec<At<ExampleSpec>>>,
        origin: &Origin,
        problems: &mut Problems,
    ) -> Vec<Example> {
        if spec.value.len() > MAX_EXAMPLES {
            let reason = format!("{} examples; at most {MAX_EXAMPLES} are allowed", spec.value.len());
            problems.add(origin, spec.place, reason);
        }
        let mut fitting = Vec::with_capacity(spec.value.len());
        for example in spec.value.into_iter().take(MAX_EXAMPLES) {
            let place = example.place;
            let ExampleSpec { properties, context } = example.value;
            if let Some(reason) = limits::refusal(&properties, &context) {
                problems.add(origin, place, reason);
                continue;
            }
            let misfits = self.misfits_of(&properties, &context);
            for misfit in &misfits {
                let reason = format!("the example does not fit: {} {}", misfit.path, misfit.description);
                problems.add(origin, place, reason);
            }
            if misfits.is_empty() {
                fitting.push(Example { properties, context, place });
            }
        }
        fitting
    }
}

#[cfg(test)]
mod tests;
