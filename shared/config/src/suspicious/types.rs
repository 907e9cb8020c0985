//! Event types that are probably misspelt. Whatever type a client sends is accepted, so a mapping of `purchse` is no error:
//! it never does anything.

use std::collections::{BTreeMap, BTreeSet};

use tributary_expressions::nearest;

use crate::documents::mapping::Mapping;
use crate::documents::workflow::Workflow;
use crate::documents::{DocumentKind, Draft};
use crate::names::Events;

/// A type that this many documents name is one that people use.
const DOCUMENTS_OF_A_KNOWN_TYPE: usize = 3;

/// An event type of a document that is probably another one.
pub(super) struct Suspect<'d> {
    pub(super) kind: &'static str,
    pub(super) name: &'d str,
    pub(super) event_type: &'d str,
    near: &'d str,
    near_has_schema: bool,
}

impl Suspect<'_> {
    pub(super) fn reason(&self) -> String {
        let (event_type, near) = (self.event_type, self.near);
        let who = if self.near_has_schema { "no Schema is about" } else { "no other document names" };
        format!("{who} event type {event_type}; did you mean {near}?")
    }
}

/// The suspects of a tenant.
pub(super) fn of(draft: &Draft) -> Vec<Suspect<'_>> {
    let schemas: BTreeSet<&str> =
        draft.schemas.iter().flat_map(|(_, schema)| types(&schema.events)).collect();
    let mut named: Vec<(&'static str, &str, &str)> = Vec::new();
    let (mut made, mut awaited) = (BTreeSet::new(), BTreeSet::new());
    for (_, mapping) in &draft.mappings {
        awaited.extend(types(&mapping.events));
        named.extend(types(&mapping.events).map(|event_type| (Mapping::NAME, &*mapping.name, event_type)));
    }
    for (origin, workflow) in &draft.workflows {
        let survey = workflow.survey(origin);
        let waited: Vec<&str> = survey.awaited.iter().map(|event_type| event_type.value.as_str()).collect();
        let emits = survey.emits.iter().map(|event_type| event_type.value.as_str());
        awaited.extend(types(&workflow.trigger.events).chain(waited.iter().copied()));
        made.extend(emits.clone());
        let both = types(&workflow.trigger.events).chain(emits).chain(waited).collect::<BTreeSet<_>>();
        named.extend(both.into_iter().map(|event_type| (Workflow::NAME, &*workflow.name, event_type)));
    }
    let mut documents: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, _, event_type) in &named {
        *documents.entry(event_type).or_default() += 1;
    }
    let used = |event_type: &&str| documents[event_type] >= DOCUMENTS_OF_A_KNOWN_TYPE;
    let used: BTreeSet<&str> = documents.keys().copied().filter(used).collect();

    let suspect = |(kind, name, event_type): (&'static str, _, _)| {
        // What is written alike where it is made and where it is awaited is meant.
        if schemas.contains(event_type) || made.contains(event_type) && awaited.contains(event_type) {
            return None;
        }
        let of_schema = near(event_type, &schemas);
        let near = of_schema.or_else(|| near(event_type, &used).filter(|_| documents[event_type] == 1))?;
        Some(Suspect { kind, name, event_type, near, near_has_schema: of_schema.is_some() })
    };
    named.into_iter().filter_map(suspect).collect()
}

fn types(events: &Events) -> impl Iterator<Item = &str> + Clone {
    let types = match events {
        Events::Any => None,
        Events::Types(types) => Some(types),
    };
    types.into_iter().flatten().map(String::as_str)
}

/// The known type that was probably meant. Types that differ in their numbers are meant to.
fn near<'d>(event_type: &str, known: &BTreeSet<&'d str>) -> Option<&'d str> {
    let letters = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    nearest(event_type, known.iter().copied()).filter(|near| letters(near) != letters(event_type))
}
