//! `join`: where branches meet.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use tributary_engine::{Node, Step, Turn};

use super::{NodeKind, Reading, Survey, done};
use crate::at::At;

/// Is entered once every branch that can still come has come.
#[derive(Debug)]
pub(super) struct Join;

/// Nothing is said of it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Join")]
pub(super) struct JoinSpec {}

impl NodeKind for Join {
    const NAME: &'static str = "join";
    const JOINS: bool = true;
    const FAILS: bool = false;
    type Spec = JoinSpec;

    fn read(_: At<JoinSpec>, _: &mut Reading<'_>) -> Option<Join> {
        Some(Join)
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, _: &mut Survey<'n>) {}
}

impl Node for Join {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, _: &mut Turn<'_, '_>) -> Step {
        Step::Leave("done".into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    #[test]
    fn it_is_entered_once_when_all_branches_that_can_still_come_have_come() {
        for (both, nodes) in [
            (true, vec!["both", "left", "right", "meet", "after"]),
            (false, vec!["both", "left", "meet", "after"]),
        ] {
            let mut trial = Trial::of(
                "
- name: both
  if: event.properties.both
  to: {yes: [left, right], no: left}
- {name: left, add_segment: left, to: meet}
- {name: right, add_segment: right, to: meet}
- {name: meet, join: {}, to: after}
- {name: after, if: profile.segments.left}
",
            )
            .with(json!({"both": both}));
            let ran = trial.event();
            let came: Vec<&str> = ran.records.iter().map(|record| record.node.as_str()).collect();
            assert_eq!(came, nodes);
        }
    }
}
