//! Sources that documents name are there.

use std::collections::BTreeSet;

use tributary_expressions::did_you_mean;

use crate::documents::Draft;
use crate::error::{Origin, Problems};
use crate::sources::Sources;

/// How many errors guess what was meant: each guess looks at every source there is.
const MAX_SUGGESTIONS: usize = 32;

pub(super) fn check(draft: &Draft, problems: &mut Problems) {
    if draft.lacks_documents {
        return;
    }
    // By their headings: a source with errors is there all the same.
    let documents = draft.origins.iter().filter_map(|origin| origin.document.as_deref());
    let known: BTreeSet<&str> = documents.filter_map(|document| document.strip_prefix("Source ")).collect();
    let mut suggestions = MAX_SUGGESTIONS;
    let mut tell = |origin: &Origin, sources: &Sources| {
        for (name, place) in sources.places() {
            if !known.contains(name.as_str()) {
                let known = known.iter().copied().take(if suggestions > 0 { usize::MAX } else { 0 });
                suggestions = suggestions.saturating_sub(1);
                let meant = did_you_mean(name.as_str(), known);
                problems.add(origin, *place, format!("sources: there is no Source {name}{meant}"));
            }
        }
    };
    draft.schemas.iter().for_each(|(origin, schema)| tell(origin, &schema.sources));
    draft.mappings.iter().for_each(|(origin, mapping)| tell(origin, &mapping.sources));
    draft.workflows.iter().for_each(|(origin, workflow)| tell(origin, &workflow.trigger.sources));
}
