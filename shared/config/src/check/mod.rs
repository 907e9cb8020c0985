//! Checks between the documents of a tenant, one file for each subject: what no document can be told of alone.

mod clashes;
mod closed;
mod cycles;
mod examples;
mod formulas;
mod paths;
mod samples;
mod sources;

use tributary_model::Kinds;

use crate::documents::Draft;
use crate::error::Problems;

pub(crate) use clashes::write_keys;

/// Checks a tenant's documents against each other. `kinds` is `None` when the declarations of fields are wrong.
pub(crate) fn check(draft: &Draft, kinds: Option<&Kinds>, problems: &mut Problems) {
    sources::check(draft, problems);
    clashes::schemas(draft, problems);
    clashes::registers(draft, problems);
    cycles::check(draft, problems);
    // What the rest would say about documents with gaps need not hold once these are closed.
    let Some(kinds) = kinds.filter(|_| problems.none_so_far()) else { return };
    let formulas = formulas::of(draft);
    paths::check(draft, &formulas, problems);
    closed::check(draft, &formulas, problems);
    examples::check(draft, kinds, &formulas, problems);
}
