//! What is read of a run's memory is what one of its nodes remembers.

use std::collections::BTreeSet;

use tributary_expressions::did_you_mean;

use super::Surveys;
use crate::error::Problems;

/// What is asked of other events: there `event` is not the one that the run is for.
const OVER_OTHERS: [&str; 2] = ["where", "of"];
const REMEMBER: &str = "; `event` is the one looked at here: what the run's own event says is remembered by a node before, \
                        such as a template of that name";

/// Tells every `memory.<name>` of which no node has the name: it would be missing in every run.
pub(super) fn check(surveys: &Surveys<'_>, problems: &mut Problems) {
    for (workflow, survey) in &surveys.workflows {
        let known: BTreeSet<&str> = workflow.graph.nodes().iter().map(|node| node.name.as_str()).collect();
        for formula in &survey.formulas {
            let mut told = BTreeSet::new();
            for read in formula.reads() {
                let [root, name, ..] = &read.parts[..] else { continue };
                if root != "memory" || known.contains(name.as_str()) || !told.insert(name.clone()) {
                    continue;
                }
                let meant = did_you_mean(name, known.iter().copied());
                let hint = if meant.is_empty() && OVER_OTHERS.contains(&formula.what.as_str()) {
                    REMEMBER
                } else {
                    ""
                };
                let reason =
                    format!("{}: no node of this workflow is called {name}{meant}{hint}", formula.what);
                problems.add(formula.origin, formula.place, reason);
            }
        }
    }
}
