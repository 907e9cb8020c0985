//! Segments: `add_segment`, `remove_segment` and `has_segment`.

use std::borrow::Cow;

use tributary_engine::{Node, Step, Turn};
use tributary_model::{Intent, IntentOp, Path};

use super::flags::{self, is_on};
use super::{NodeKind, Reading, Survey, done, left};
use crate::at::At;
use crate::survey::How;

const SEGMENTS: &str = "segments";

/// Puts the profile into a segment.
#[derive(Debug)]
pub(super) struct AddSegment(At<Path>);

/// Takes the profile out of a segment.
#[derive(Debug)]
pub(super) struct RemoveSegment(At<Path>);

/// Asks whether the profile is in a segment.
#[derive(Debug)]
pub(super) struct HasSegment(At<Path>);

impl NodeKind for AddSegment {
    const NAME: &'static str = "add_segment";
    type Spec = String;

    fn read(spec: At<String>, reading: &mut Reading<'_>) -> Option<AddSegment> {
        flags::path(SEGMENTS, Self::NAME, spec, reading).map(AddSegment)
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.writes(&self.0, How::Op(IntentOp::Enter));
    }
}

impl Node for AddSegment {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let intent = Intent { path: self.0.value.clone(), op: IntentOp::Enter, value: None };
        left("done", turn.change(intent))
    }
}

impl NodeKind for RemoveSegment {
    const NAME: &'static str = "remove_segment";
    type Spec = String;

    fn read(spec: At<String>, reading: &mut Reading<'_>) -> Option<RemoveSegment> {
        flags::path(SEGMENTS, Self::NAME, spec, reading).map(RemoveSegment)
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.writes(&self.0, How::Op(IntentOp::Leave));
    }
}

impl Node for RemoveSegment {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let intent = Intent { path: self.0.value.clone(), op: IntentOp::Leave, value: None };
        left("done", turn.change(intent))
    }
}

impl NodeKind for HasSegment {
    const NAME: &'static str = "has_segment";
    type Spec = String;

    fn read(spec: At<String>, reading: &mut Reading<'_>) -> Option<HasSegment> {
        flags::path(SEGMENTS, Self::NAME, spec, reading).map(HasSegment)
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        vec!["yes".into(), "no".into()]
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        survey.reads(&self.0);
    }
}

impl Node for HasSegment {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        Step::Leave(if is_on(&self.0.value, turn) { "yes" } else { "no" }.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    #[test]
    fn a_profile_enters_and_leaves_and_is_asked() {
        let mut trial = Trial::of(
            "
- {name: vip, has_segment: vip, to: {yes: out, no: in}}
- {name: in, add_segment: vip}
- {name: out, remove_segment: vip}
",
        )
        .with(json!({}));
        assert_eq!(port(&trial.event(), "vip"), "no");
        assert_eq!(trial.shown()["segments"], json!({"vip": true}));
        assert_eq!(port(&trial.event(), "vip"), "yes");
        assert_eq!(port(&trial.event(), "vip"), "no");
    }

    #[test]
    fn a_segment_that_nothing_enters_is_told() {
        assert_eq!(
            said_of("- {name: a, add_segment: vip, to: b}\n- {name: b, has_segment: vipp}"),
            "segments.vipp: nothing ever writes profile.segments.vipp: let a mapping or workflow do it, or declare it \
             in a Fields document; did you mean profile.segments.vip?"
        );
        assert_eq!(
            said_of("- {name: a, add_segment: a.b}"),
            "add_segment: \"a.b\" is one name, without dots"
        );
    }
}
