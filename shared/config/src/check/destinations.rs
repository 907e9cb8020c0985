//! Destinations that workflows send to are there.

use std::collections::BTreeSet;

use tributary_expressions::did_you_mean;

use super::Surveys;
use crate::documents::Draft;
use crate::error::Problems;

/// How many errors guess what was meant: each guess looks at every destination there is.
const MAX_SUGGESTIONS: usize = 32;

pub(super) fn check(draft: &Draft, surveys: &Surveys<'_>, problems: &mut Problems) {
    if draft.lacks_documents {
        return;
    }
    // By their headings: a destination with errors is there all the same.
    let documents = draft.origins.iter().filter_map(|origin| origin.document.as_deref());
    let known: BTreeSet<&str> =
        documents.filter_map(|document| document.strip_prefix("Destination ")).collect();
    let mut suggestions = MAX_SUGGESTIONS;
    for (_, survey) in &surveys.workflows {
        for name in survey.destinations.iter().filter(|name| !known.contains(name.value.as_str())) {
            let near = known.iter().copied().take(if suggestions > 0 { usize::MAX } else { 0 });
            suggestions = suggestions.saturating_sub(1);
            let meant = did_you_mean(&name.value, near);
            let reason = format!("there is no Destination {}{meant}", name.value);
            problems.add(survey.origin, name.place, reason);
        }
    }
}
