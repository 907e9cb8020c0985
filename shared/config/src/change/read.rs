//! Change rules as they are written, and what can be told of them without their tenant.

use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};
use tributary_expressions::{Condition, Expression, Template, Variables, did_you_mean};
use tributary_model::{IntentOp, Path};

use super::{ChangeRule, ChangeValue, Conversion};
use crate::at::At;
use crate::error::{Origin, Place, Problems};
use crate::event_view::SourcePath;
use crate::names;

/// The most places that `from` may look at.
const MAX_PATHS: usize = 8;
/// The most conversions in a row.
const MAX_CONVERSIONS: usize = 4;

/// Every conversion by its name.
const CONVERSIONS: [(&str, Conversion); 8] = [
    ("text", Conversion::Text),
    ("number", Conversion::Number),
    ("integer", Conversion::Integer),
    ("boolean", Conversion::Boolean),
    ("time", Conversion::Time),
    ("lower", Conversion::Lower),
    ("upper", Conversion::Upper),
    ("trimmed", Conversion::Trimmed),
];

/// How an event changes one path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Change", transform = one_operand)]
pub(crate) struct ChangeSpec {
    /// The path that changes, such as `purchases.total`.
    path: At<String>,
    /// What is done to it; must be an operation of the path's kind.
    op: At<IntentOp>,
    /// The operand, written down.
    #[serde(default)]
    value: Option<At<Value>>,
    /// Where in the event the operand is, such as `properties.value`; of a list, the first that is there.
    #[serde(default)]
    from: Option<At<OneOrMany<String>>>,
    /// Where in the event a list is, each element of which is the operand of one change.
    #[serde(default)]
    each: Option<At<OneOrMany<String>>>,
    /// A text with holes, such as `{{ event.properties.first }} {{ event.properties.last }}`.
    #[serde(default)]
    template: Option<At<String>>,
    /// CEL that computes the operand.
    #[serde(default)]
    expr: Option<At<String>>,
    /// What is made of the operand before it is used: one conversion or several in a row.
    #[serde(default, rename = "as")]
    #[schemars(with = "Option<OneOrMany<Conversion>>")]
    convert: Option<At<OneOrMany<String>>>,
    /// The operand when the event has none.
    #[serde(default)]
    default: Option<At<Value>>,
    /// CEL; the change is made when it holds.
    #[serde(default)]
    when: Option<At<String>>,
}

/// Says in the JSON Schema that the operand comes from one place.
fn one_operand(schema: &mut Schema) {
    let ways = ["value", "from", "each", "template", "expr"];
    let pairs =
        ways.iter().enumerate().flat_map(|(at, one)| ways[at + 1..].iter().map(move |other| (one, other)));
    let both: Vec<Value> = pairs.map(|(one, other)| json!({"required": [one, other]})).collect();
    schema.insert("not".to_string(), json!({"anyOf": both}));
}

/// One thing, or a list of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected one text or a list of texts")]
#[schemars(inline)]
pub(crate) enum OneOrMany<T> {
    One(T),
    Many(#[schemars(length(min = 1))] Vec<T>),
}

impl<T> OneOrMany<T> {
    pub(crate) fn into_vec(self) -> Vec<T> {
        match self {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        }
    }
}

/// Reads the changes of a document that sees `variables`; what is wrong with one is told and the one left out.
pub(crate) fn rules(
    specs: Vec<ChangeSpec>,
    variables: Variables,
    origin: &Origin,
    problems: &mut Problems,
) -> Vec<ChangeRule> {
    specs.into_iter().filter_map(|spec| rule(spec, variables, origin, problems)).collect()
}

/// Compiles a condition; what is wrong with it is told.
pub(crate) fn condition(
    what: &str,
    source: Option<At<String>>,
    variables: Variables,
    origin: &Origin,
    problems: &mut Problems,
) -> Option<Condition> {
    let source = source?;
    Condition::compile_with(&source.value, variables)
        .map_err(|error| problems.add(origin, source.place, format!("{what}: {error}")))
        .ok()
}

fn rule(
    spec: ChangeSpec,
    variables: Variables,
    origin: &Origin,
    problems: &mut Problems,
) -> Option<ChangeRule> {
    let place = spec.path.place;
    let mut tell = |place: Place, reason: String| problems.add(origin, place, reason);
    let path = Path::new(spec.path.value.clone()).map_err(|error| tell(place, error.to_string())).ok()?;
    if let Some(reason) = names::reserved(&path) {
        tell(place, reason);
        return None;
    }
    let (op, op_place) = (spec.op.value, spec.op.place);
    let when_place = spec.when.as_ref().map_or(place, |when| when.place);

    let (value, value_place) = match (spec.value, spec.from, spec.each, spec.template, spec.expr) {
        (None, None, None, None, None) => (Ok(ChangeValue::None), op_place),
        (Some(value), None, None, None, None) => (Ok(ChangeValue::Literal(value.value)), value.place),
        (None, Some(from), None, None, None) => (paths(from.value).map(ChangeValue::From), from.place),
        (None, None, Some(each), None, None) => (paths(each.value).map(ChangeValue::Each), each.place),
        (None, None, None, Some(template), None) => {
            let compiled = Template::compile(&template.value, variables);
            let compiled = compiled.map_err(|error| format!("template: {error}"));
            (compiled.map(ChangeValue::Filled), template.place)
        }
        (None, None, None, None, Some(expr)) => {
            let compiled = Expression::compile_with(&expr.value, variables);
            (compiled.map(ChangeValue::Computed).map_err(|error| format!("expr: {error}")), expr.place)
        }
        _ => (Err(format!("{path}: give one of value, from, each, template and expr")), place),
    };
    let value = value.map_err(|reason| tell(value_place, reason)).ok()?;
    let given = !matches!(value, ChangeValue::None);
    match operand(op) {
        Operand::Needed if !given => {
            tell(op_place, format!("{op} needs a value"));
            return None;
        }
        Operand::Refused if given => {
            tell(op_place, format!("{op} takes no value"));
            return None;
        }
        _ => {}
    }

    let written = matches!(value, ChangeValue::None | ChangeValue::Literal(_));
    let convert = match spec.convert {
        None => Vec::new(),
        Some(convert) if written => {
            tell(
                convert.place,
                "as converts what comes from the event; write the value as it is to be".into(),
            );
            return None;
        }
        Some(convert) => conversions(convert.value).map_err(|reason| tell(convert.place, reason)).ok()?,
    };
    let default = match spec.default {
        None => None,
        Some(default) if written => {
            tell(
                default.place,
                "default is for what the event may not have; this change always has its value".into(),
            );
            return None;
        }
        Some(default) => Some(default.value),
    };
    let has_condition = spec.when.is_some();
    let when = condition("when", spec.when, variables, origin, problems);
    if has_condition && when.is_none() {
        return None;
    }
    Some(ChangeRule { path, op, value, convert, default, when, place, value_place, when_place })
}

fn paths(spec: OneOrMany<String>) -> Result<Vec<SourcePath>, String> {
    let texts = spec.into_vec();
    match texts.len() {
        0 => Err("the list of places is empty".to_string()),
        1..=MAX_PATHS => texts.iter().map(|text| SourcePath::parse(text)).collect(),
        many => Err(format!("{many} places; at most {MAX_PATHS} are looked at")),
    }
}

fn conversions(spec: OneOrMany<String>) -> Result<Vec<Conversion>, String> {
    let names = spec.into_vec();
    if names.is_empty() || names.len() > MAX_CONVERSIONS {
        return Err(format!("as takes 1 to {MAX_CONVERSIONS} conversions"));
    }
    let known = || CONVERSIONS.iter().map(|(name, _)| *name);
    let named = |name: &String| {
        let found = CONVERSIONS.iter().find(|(known, _)| known == name);
        found.map(|(_, conversion)| *conversion).ok_or_else(|| {
            let all = known().collect::<Vec<_>>().join(", ");
            format!("unknown conversion {name:?}; there are {all}{}", did_you_mean(name, known()))
        })
    };
    names.iter().map(named).collect()
}

pub(super) enum Operand {
    Needed,
    Optional,
    Refused,
}

pub(super) fn operand(op: IntentOp) -> Operand {
    match op {
        IntentOp::Set
        | IntentOp::SetIfAbsent
        | IntentOp::Replace
        | IntentOp::Increment
        | IntentOp::Decrement
        | IntentOp::Min
        | IntentOp::Max
        | IntentOp::AddToSet
        | IntentOp::RemoveFromSet
        | IntentOp::Append => Operand::Needed,
        IntentOp::Grant => Operand::Optional,
        IntentOp::Unset
        | IntentOp::Reset
        | IntentOp::Clear
        | IntentOp::Revoke
        | IntentOp::Enter
        | IntentOp::Leave => Operand::Refused,
    }
}
