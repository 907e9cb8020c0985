//! Documents that want different things of the same.

use std::collections::{BTreeSet, HashMap};

use tributary_model::IntentOp;

use crate::change::ChangeRule;
use crate::documents::Draft;
use crate::documents::mapping::Mapping;
use crate::error::{Origin, Place, Problems};
use crate::names::Events;

/// Two schemas of one event: which of them would be right?
pub(super) fn schemas(draft: &Draft, problems: &mut Problems) {
    // By type: there may be thousands of schemas, and few about the same.
    let mut about: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut about_all: Vec<usize> = Vec::new();
    for (index, (origin, schema)) in draft.schemas.iter().enumerate() {
        let mut others: BTreeSet<usize> = about_all.iter().copied().collect();
        match &schema.events {
            Events::Any => others.extend(0..index),
            Events::Types(types) => {
                others.extend(types.iter().filter_map(|name| about.get(name.as_str())).flatten());
            }
        }
        for (first, other) in others.into_iter().map(|other| &draft.schemas[other]) {
            let Some(shared) = schema.events.same(&other.events) else { continue };
            if schema.sources.overlap(&other.sources) {
                let reason = format!("{} has events of type {shared} already; {TELL_APART}", at(first));
                problems.add(origin, Place::default(), reason);
                break;
            }
        }
        match &schema.events {
            Events::Any => about_all.push(index),
            Events::Types(types) => types.iter().for_each(|name| about.entry(name).or_default().push(index)),
        }
    }
}

const TELL_APART: &str = "say everything in one of them, or tell them apart by sources";

/// Two mappings that write the same register because of the same event: the one that comes last by name would win, which
/// nobody has said.
pub(super) fn registers(draft: &Draft, problems: &mut Problems) {
    let mut writers: HashMap<&str, Vec<(&Origin, &Mapping)>> = HashMap::new();
    for (origin, mapping) in &draft.mappings {
        for rule in mapping.changes.iter().filter(|rule| overwrites(mapping, rule)) {
            let writers = writers.entry(rule.path.as_str()).or_default();
            // Once for each mapping and path, however often it writes it.
            if writers.last().is_some_and(|(_, last)| std::ptr::eq(*last, mapping)) {
                continue;
            }
            let clash = writers.iter().find(|(_, other)| {
                !std::ptr::eq(*other, mapping)
                    && other.target == mapping.target
                    && other.events.overlap(&mapping.events)
                    && other.sources.overlap(&mapping.sources)
            });
            if let Some((first, _)) = clash {
                let reason = format!(
                    "{} writes {} for the same events; let one of them write it, or give one a when",
                    at(first),
                    rule.path
                );
                problems.add(origin, rule.place, reason);
            }
            writers.push((origin, mapping));
        }
    }
}

/// Whether the rule writes whatever was there, for every event that the mapping is about.
fn overwrites(mapping: &Mapping, rule: &ChangeRule) -> bool {
    let unconditional = mapping.when.is_none() && rule.when.is_none();
    unconditional && matches!(rule.op, IntentOp::Set | IntentOp::Replace)
}

/// One key for two sources: a payload's source could not be told. Of all tenants, since keys name the tenant too.
pub(crate) fn write_keys<'d>(drafts: impl IntoIterator<Item = &'d Draft>, problems: &mut Problems) {
    let mut seen: HashMap<String, &Origin> = HashMap::new();
    for (origin, source) in drafts.into_iter().flat_map(|draft| &draft.sources) {
        for (key, place) in source.write_keys.iter().zip(&source.key_places) {
            if let Some(first) = seen.insert(key.identity(), origin) {
                let reason = match std::ptr::eq(first, origin) {
                    true => "this write key is there twice".to_string(),
                    false => {
                        format!("this write key is the one of {} too; every source needs its own", at(first))
                    }
                };
                problems.add(origin, *place, reason);
            }
        }
    }
}

/// A document and where it is.
fn at(origin: &Origin) -> String {
    let document = origin.document.as_deref().unwrap_or("another document");
    format!("{document} ({}:{})", origin.file, origin.line_of(origin.place))
}
