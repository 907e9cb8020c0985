//! `emit`: makes an event.

use std::borrow::Cow;

use tributary_engine::{Node, Step, Turn};

use super::{NodeKind, done, left};
use crate::at::At;
use crate::documents::workflow::emit::{EmitRule, EmitSpec};
use crate::documents::workflow::reading::Reading;
use crate::survey::Survey;

/// Makes an event of the same profile. A property that cannot be had is left out and recorded.
#[derive(Debug)]
pub(crate) struct Emit(EmitRule);

impl NodeKind for Emit {
    const NAME: &'static str = "emit";
    type Spec = EmitSpec;

    fn read(spec: At<EmitSpec>, reading: &mut Reading<'_>) -> Option<Emit> {
        EmitRule::read(spec.value, reading).map(Emit)
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        self.0.survey(survey);
    }
}

impl Node for Emit {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        left("done", self.0.make(turn))
    }
}

#[cfg(test)]
mod tests;
