//! `delete`: all that paths of the profile hold.

use std::borrow::Cow;

use tributary_engine::{Node, Step, Turn};
use tributary_model::{Intent, Path};

use super::change::MAX_CHANGES;
use super::{NodeKind, Reading, Survey, done, left};
use crate::at::At;
use crate::change;
use crate::survey::How;

/// Removes what is at paths, as their kinds do that: a register is unset, with everything below it, a counter reset, a set or
/// list cleared, a flag taken back.
#[derive(Debug)]
pub(super) struct Delete(Vec<At<Path>>);

impl NodeKind for Delete {
    const NAME: &'static str = "delete";
    type Spec = Vec<At<String>>;

    fn read(spec: At<Self::Spec>, reading: &mut Reading<'_>) -> Option<Delete> {
        let many = spec.value.len();
        if !(1..=MAX_CHANGES).contains(&many) {
            reading.tell(spec.place, format!("delete: {many} paths; there must be 1 to {MAX_CHANGES}"));
        }
        Some(Delete(spec.value.into_iter().filter_map(|path| reading.path(path)).collect()))
    }

    fn ports(&self) -> Vec<Cow<'static, str>> {
        done()
    }

    fn survey<'n>(&'n self, survey: &mut Survey<'n>) {
        self.0.iter().for_each(|path| survey.writes(path, How::Remove));
    }
}

impl Node for Delete {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn enter(&self, turn: &mut Turn<'_, '_>) -> Step {
        let mut all = true;
        for path in &self.0 {
            all &= match change::removing(&path.value, turn.kinds()) {
                Ok(op) => turn.change(Intent { path: path.value.clone(), op, value: None }),
                Err(reason) => {
                    turn.refuse(reason);
                    false
                }
            };
        }
        left("done", all)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::*;

    #[test]
    fn every_kind_of_path_is_emptied_in_its_way() {
        let mut trial = Trial::of(
            "
- {name: write, set: {traits.city: Basel}, to: more}
- {name: more, append: {preferences.colours: red}, to: interest}
- {name: interest, add_interest: {name: shoes, by: 3}, to: segment}
- {name: segment, add_segment: vip, to: which}
- {name: which, if: event.properties.delete, to: gone}
- {name: gone, delete: [traits, preferences.colours, interests.shoes, segments.vip]}
",
        )
        .with(json!({"delete": false}));
        trial.event();
        assert_eq!(trial.shown()["traits"], json!({"city": "Basel"}));
        trial.set(json!({"delete": true}));
        trial.event();
        let shown = trial.shown();
        for path in ["/traits/city", "/preferences/colours/0"] {
            assert_eq!(shown.pointer(path), None, "{shown}");
        }
        assert!(shown.pointer("/interests/shoes").is_none_or(|count| *count == json!(0)), "{shown}");
        assert!(shown.pointer("/segments/vip").is_none_or(|on| *on == json!(false)), "{shown}");
    }

    #[test]
    fn bounds_are_never_removed() {
        assert_eq!(said_of("- {name: a, delete: [lows.age]}"), "`lows.age` is a min, which is never removed");
    }
}
