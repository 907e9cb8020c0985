//! `deliver`: sends something to a destination.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tributary_engine::{Node, Step, Turn};

use super::{NodeKind, done, left};
use crate::at::At;
use crate::documents::workflow::operand::Operands;
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;

/// Sends a body of its own to a destination. What cannot be had is left out and recorded.
#[derive(Debug)]
pub(crate) struct Deliver {
    destination: At<String>,
    body: Operands,
}

/// What is sent where.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Deliver")]
pub(crate) struct DeliverSpec {
    /// The name of a Destination.
    destination: At<String>,
    /// The fields of the body, sent as JSON: each `{expr: CEL}`, `{template: TEXT}` or the value itself.
    #[schemars(extend("minProperties" = 1))]
    body: At<BTreeMap<String, At<Value>>>,
}

impl NodeKind for Deliver {
    const NAME: &'static str = "deliver";
    type Spec = DeliverSpec;

    fn read(spec: At<DeliverSpec>, reading: &mut Reading<'_>) -> Option<Deliver> {
        let DeliverSpec { destination, body } = spec.value;
        if body.value.is_empty() {
            reading.tell(body.place, "body: name something to send");
            return None;
        }
        Some(Deliver { destination, body: Operands::read(body.value, reading) })
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.destination(&self.destination);
        survey.operands(&self.body);
    }
}

impl Node for Deliver {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let (body, all) = self.body.values("the body", turn);
        let sent = turn.deliver(&self.destination.value, body);
        left("done", all && sent)
    }
}

#[cfg(test)]
mod tests;
