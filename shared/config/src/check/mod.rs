//! Checks between the documents of a tenant, one file for each subject: what no document can be told of alone.

mod clashes;
mod closed;
mod cycles;
mod destinations;
mod examples;
mod memory;
mod paths;
mod samples;
mod sources;
mod surveys;
mod writes;

use tributary_model::Kinds;

use crate::documents::{Depth, Draft};
use crate::error::Problems;
use crate::survey::Formula;

pub(crate) use clashes::write_keys;
pub(crate) use surveys::Surveys;

/// Checks a tenant's documents against each other. `kinds` is `None` when the declarations of fields are wrong.
/// Of a published revision only what is cheap.
pub(crate) fn check(draft: &Draft, kinds: Option<&Kinds>, depth: Depth, problems: &mut Problems) {
    let surveys = Surveys::of(draft);
    if let Some(kinds) = kinds {
        writes::check(draft, &surveys, kinds, problems);
    }
    sources::check(draft, problems);
    destinations::check(draft, &surveys, problems);
    memory::check(&surveys, problems);
    clashes::schemas(draft, problems);
    clashes::registers(draft, problems);
    cycles::check(draft, &surveys, problems);
    if depth == Depth::Published {
        return;
    }
    // What the rest would say about documents with gaps need not hold once these are closed.
    let Some(kinds) = kinds.filter(|_| problems.none_so_far()) else { return };
    let formulas: Vec<Formula<'_>> = surveys.formulas().cloned().collect();
    paths::check(draft, &surveys, problems);
    closed::check(draft, &formulas, problems);
    examples::check(draft, &surveys, kinds, &formulas, problems);
}
