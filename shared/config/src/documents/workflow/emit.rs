//! Events that nodes make.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tributary_engine::Turn;

use super::operand::Operands;
use super::reading::Reading;
use crate::at::At;
use crate::survey::Survey;

/// An event that a node makes.
#[derive(Debug, Clone)]
pub(crate) struct EmitRule {
    pub(crate) event_type: At<String>,
    pub(crate) properties: Operands,
}

/// An event that is made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Emit")]
pub(crate) struct EmitSpec {
    /// Its type.
    #[serde(rename = "type")]
    event_type: At<String>,
    /// Its properties: `{expr: CEL}` is computed, `{template: TEXT}` filled in, everything else stands for itself.
    #[serde(default)]
    properties: BTreeMap<String, At<Value>>,
}

impl EmitRule {
    pub(crate) fn read(spec: EmitSpec, reading: &mut Reading<'_>) -> Option<EmitRule> {
        let properties = Operands::read(spec.properties, reading);
        let event_type = reading.event_type(spec.event_type)?;
        Some(EmitRule { event_type, properties })
    }

    /// Makes the event. A property that cannot be had is left out and recorded; `false` says that one was.
    pub(crate) fn make(&self, turn: &mut Turn<'_, '_>) -> bool {
        let (properties, all) = self.properties.values_as("property ", &self.event_type.value, turn);
        let made = turn.emit(&self.event_type.value, properties);
        all && made
    }

    pub(crate) fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.emits(&self.event_type);
        survey.operands(&self.properties);
    }
}
