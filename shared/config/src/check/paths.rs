//! Paths of profiles and sessions that are read are written by something.

use std::collections::BTreeSet;

use tributary_expressions::nearest;

use super::formulas::Formula;
use crate::change::ChangeRule;
use crate::documents::Draft;
use crate::documents::mapping::Target;
use crate::error::Problems;

/// What the mesh itself writes to every profile.
const OF_PROFILES: [&str; 1] = ["stats.visits"];
/// What the mesh itself writes to every session.
pub(super) const OF_SESSIONS: [&str; 5] =
    ["context", "highs.last_event", "lows.first_event", "stats.counters.events", "stats.visits"];

/// Tells every path that is read and that nothing ever writes: it would be missing for every event.
pub(super) fn check(draft: &Draft, formulas: &[Formula<'_>], problems: &mut Problems) {
    let (profile, session) = written(draft);
    for formula in formulas {
        let mut told = BTreeSet::new();
        for read in formula.reads() {
            let Some((root, path)) = read.parts.split_first().filter(|(_, path)| !path.is_empty()) else { continue };
            let known = match root.as_str() {
                "profile" => &profile,
                "session" => &session,
                _ => continue,
            };
            let path = path.join(".");
            if known.iter().any(|known| meet(known, &path)) || !told.insert(format!("{root}.{path}")) {
                continue;
            }
            let meant = nearest(&path, known.iter().copied());
            let meant = meant.map_or_else(String::new, |near| format!("; did you mean {root}.{near}?"));
            let reason = format!(
                "{}: nothing ever writes {root}.{path}: let a mapping or workflow do it, or declare it in a Fields \
                 document{meant}",
                formula.what
            );
            problems.add(formula.origin, formula.place, reason);
        }
    }
}

/// The paths that something writes, to profiles and to sessions. A declaration is a promise that something will.
fn written(draft: &Draft) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let declared = || draft.fields.iter().flat_map(|(_, fields)| &fields.kinds).map(|(path, ..)| path.as_str());
    let mut profile: BTreeSet<&str> = OF_PROFILES.into_iter().chain(declared()).collect();
    let mut session: BTreeSet<&str> = OF_SESSIONS.into_iter().chain(declared()).collect();
    for (_, mapping) in &draft.mappings {
        let target = match mapping.target {
            Target::Profile => &mut profile,
            Target::Session => &mut session,
        };
        target.extend(mapping.changes.iter().map(|rule| rule.path.as_str()));
    }
    profile.extend(workflow_rules(draft).map(|rule| rule.path.as_str()));
    (profile, session)
}

pub(super) fn workflow_rules(draft: &Draft) -> impl Iterator<Item = &ChangeRule> {
    let steps = draft.workflows.iter().flat_map(|(_, workflow)| &workflow.steps);
    steps.flat_map(|step| step.then.iter().chain(&step.otherwise))
}

/// Whether two paths are the same, or one lies below the other: an object that is written has parts.
pub(super) fn meet(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
