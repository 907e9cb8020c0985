//! `respond`: answers whoever waits for the event's workflows.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use tributary_engine::{Node, Step, Turn};

use super::{NodeKind, done, left};
use crate::at::At;
use crate::documents::workflow::operand::Operands;
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;

/// Adds to the response of the event. What cannot be had is left out and recorded.
#[derive(Debug)]
pub(crate) struct Respond(Operands);

impl NodeKind for Respond {
    const NAME: &'static str = "respond";
    type Spec = BTreeMap<String, At<Value>>;

    fn read(spec: At<BTreeMap<String, At<Value>>>, reading: &mut Reading<'_>) -> Option<Respond> {
        if spec.value.is_empty() {
            reading.tell(spec.place, "respond: name something to answer with");
            return None;
        }
        Some(Respond(Operands::read(spec.value, reading)))
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.operands(&self.0);
    }
}

impl Node for Respond {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let (content, all) = self.0.values("the response", turn);
        let said = turn.respond(content);
        left("done", all && said)
    }
}

#[cfg(test)]
mod tests;
