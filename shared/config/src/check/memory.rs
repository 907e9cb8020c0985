//! What is read of a run's memory is what one of its nodes remembers.

use std::collections::BTreeSet;

use tributary_expressions::did_you_mean;

use super::Surveys;
use crate::error::Problems;

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
                let reason = format!("{}: no node of this workflow is called {name}{meant}", formula.what);
                problems.add(formula.origin, formula.place, reason);
            }
        }
    }
}
