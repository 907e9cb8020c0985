//! Properties that are read are ones that the schemas of their events allow.

use serde_json::{Map, Value};
use tributary_expressions::{ReadPath, nearest};

use crate::documents::Draft;
use crate::documents::schema::Schema;
use crate::error::Problems;
use crate::names::Events;
use crate::survey::Formula;

/// What a schema may have besides `properties` that allows more names.
const OPENERS: [&str; 10] = [
    "$ref",
    "$dynamicRef",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "dependentSchemas",
    "patternProperties",
    "unevaluatedProperties",
    "propertyNames",
];

/// Tells every property that is read and that no event can have: for each of the formula's types a schema names all there
/// are. An event with another one would not fit, and nothing would be done with it.
pub(super) fn check(draft: &Draft, formulas: &[Formula<'_>], problems: &mut Problems) {
    for formula in formulas {
        for read in formula.reads() {
            if let Some(reason) = unknown(draft, formula, &read) {
                problems.add(formula.origin, formula.place, reason);
                break;
            }
        }
    }
}

fn unknown(draft: &Draft, formula: &Formula<'_>, read: &ReadPath) -> Option<String> {
    let ["event", "properties", path @ ..] = &read.parts.iter().map(String::as_str).collect::<Vec<_>>()[..]
    else {
        return None;
    };
    let types: Vec<Option<&str>> = match &*formula.events {
        Events::Any => vec![None],
        Events::Types(types) => types.iter().map(|event_type| Some(event_type.as_str())).collect(),
    };
    let refusals: Vec<Refusal<'_>> = types
        .into_iter()
        .map(|event_type| refusal(draft, formula, event_type, path))
        .collect::<Option<_>>()?;
    let first = refusals.first()?;
    let at = |name: &str| {
        let parts = path[..first.depth].iter().chain([&name]).copied();
        ["event", "properties"].into_iter().chain(parts).collect::<Vec<_>>().join(".")
    };
    let meant = nearest(path[first.depth], first.known.keys().map(String::as_str));
    let meant = meant.map_or_else(String::new, |near| format!("; did you mean {}?", at(near)));
    let (what, schema) = (&formula.what, &first.schema.name);
    Some(format!("{what}: Schema {schema} allows no {}{meant}", at(path[first.depth])))
}

/// A schema that allows no such property.
struct Refusal<'d> {
    schema: &'d Schema,
    /// Which part of the path it does not know.
    depth: usize,
    /// What it knows there.
    known: &'d Map<String, Value>,
}

/// The schema that refuses `path` for every event of the type that the formula sees; `None` stands for all types.
fn refusal<'d>(
    draft: &'d Draft,
    formula: &Formula<'_>,
    event_type: Option<&str>,
    path: &[&str],
) -> Option<Refusal<'d>> {
    let schemas = draft.schemas.iter().map(|(_, schema)| schema);
    let about = schemas.filter(|schema| match event_type {
        Some(event_type) => schema.events.matches(event_type),
        None => schema.events == Events::Any,
    });
    let of_all_sources = about.filter(|schema| formula.sources.within(&schema.sources));
    of_all_sources.into_iter().find_map(|schema| {
        let (depth, known) = closed_at(schema.properties_schema.as_ref()?, path)?;
        Some(Refusal { schema, depth, known })
    })
}

/// Where `path` leaves what a closed schema names, and what it names there.
fn closed_at<'s>(mut schema: &'s Value, path: &[&str]) -> Option<(usize, &'s Map<String, Value>)> {
    for (depth, part) in path.iter().enumerate() {
        let fields = schema.as_object()?;
        if OPENERS.iter().any(|opener| fields.contains_key(*opener)) {
            return None;
        }
        let known = fields.get("properties")?.as_object()?;
        match known.get(*part) {
            Some(below) => schema = below,
            None if fields.get("additionalProperties") == Some(&Value::Bool(false)) => {
                return Some((depth, known));
            }
            None => return None,
        }
    }
    None
}
