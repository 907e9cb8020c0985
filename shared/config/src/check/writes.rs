//! What is written fits the kinds of its paths.

use tributary_model::Kinds;

use super::Surveys;
use crate::change;
use crate::documents::Draft;
use crate::error::Problems;

pub(super) fn check(draft: &Draft, surveys: &Surveys<'_>, kinds: &Kinds, problems: &mut Problems) {
    for (origin, mapping) in &draft.mappings {
        change::check(&mapping.changes, kinds, origin, problems);
    }
    for (_, survey) in &surveys.workflows {
        for write in &survey.writes {
            change::check_write(write, kinds, survey.origin, problems);
        }
    }
}
