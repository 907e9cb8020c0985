//! Paths of profiles and sessions that are read are written by something.

use std::collections::BTreeSet;

use tributary_expressions::nearest;

use super::Surveys;
use crate::documents::Draft;
use crate::documents::mapping::Target;
use crate::error::Problems;
use crate::event_view::EVENT_PARTS;

/// How many errors guess what was meant: each guess looks at every path there is.
const MAX_SUGGESTIONS: usize = 32;
/// What the mesh itself writes to every profile.
const OF_PROFILES: [&str; 2] = ["stats.visits", "workflows"];
/// What the mesh itself writes to every session.
const OF_SESSIONS: [&str; 5] =
    ["context", "highs.last_event", "lows.first_event", "stats.counters.events", "stats.visits"];

/// Tells every path that is read and that nothing ever writes: it would be missing for every event.
pub(super) fn check(draft: &Draft, surveys: &Surveys<'_>, problems: &mut Problems) {
    let (profile, session) = written(draft, surveys);
    let mut suggestions = MAX_SUGGESTIONS;
    for formula in surveys.formulas() {
        let mut told = BTreeSet::new();
        for read in formula.reads() {
            let reason = match &read.parts[..] {
                [root, part, ..] if root == "event" => no_part(part),
                [root, path @ ..] if root == "profile" => unwritten(root, path, &profile, &mut suggestions),
                [root, path @ ..] if root == "session" => unwritten(root, path, &session, &mut suggestions),
                _ => None,
            };
            if let Some(reason) = reason.filter(|reason| told.insert(reason.clone())) {
                problems.add(formula.origin, formula.place, format!("{}: {reason}", formula.what));
            }
        }
    }
}

fn no_part(part: &str) -> Option<String> {
    if EVENT_PARTS.contains(&part) {
        return None;
    }
    let meant = nearest(part, EVENT_PARTS);
    let meant = meant.map_or_else(String::new, |near| format!("; did you mean event.{near}?"));
    Some(format!("an event has no {part}, only {}{meant}", EVENT_PARTS.join(", ")))
}

fn unwritten(root: &str, path: &[String], known: &BTreeSet<&str>, suggestions: &mut usize) -> Option<String> {
    let path = path.join(".");
    if path.is_empty() || is_written(&path, known) {
        return None;
    }
    let near = || nearest(&path, known.iter().copied());
    let meant = if *suggestions > 0 { near() } else { None };
    *suggestions = suggestions.saturating_sub(1);
    let meant = meant.map_or_else(String::new, |near| format!("; did you mean {root}.{near}?"));
    Some(format!(
        "nothing ever writes {root}.{path}: let a mapping or workflow do it, or declare it in a Fields document{meant}"
    ))
}

/// Whether `path`, something above it or something below it is written: an object that is written has parts.
fn is_written(path: &str, known: &BTreeSet<&str>) -> bool {
    let above = path.match_indices('.').map(|(dot, _)| &path[..dot]).any(|above| known.contains(above));
    let first_below = format!("{path}.");
    let below =
        || known.range(first_below.as_str()..).next().is_some_and(|next| next.starts_with(&first_below));
    above || known.contains(path) || below()
}

/// The paths that something writes, to profiles and to sessions. A declaration is a promise that something will.
fn written<'d>(draft: &'d Draft, surveys: &Surveys<'d>) -> (BTreeSet<&'d str>, BTreeSet<&'d str>) {
    let declared =
        || draft.fields.iter().flat_map(|(_, fields)| &fields.kinds).map(|(path, ..)| path.as_str());
    let mut profile: BTreeSet<&str> = OF_PROFILES.into_iter().chain(declared()).collect();
    let mut session: BTreeSet<&str> = OF_SESSIONS.into_iter().chain(declared()).collect();
    for (_, mapping) in &draft.mappings {
        let target = match mapping.target {
            Target::Profile => &mut profile,
            Target::Session => &mut session,
        };
        target.extend(mapping.changes.iter().map(|rule| rule.path.as_str()));
    }
    let writes = surveys.workflows.iter().flat_map(|(_, survey)| &survey.writes);
    profile.extend(writes.map(|write| write.path.as_str()));
    (profile, session)
}
