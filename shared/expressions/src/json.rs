//! JSON to CEL and back.

use std::collections::HashMap;

use cel::common::types::{CelBool, CelDouble, CelList, CelMap, CelMapKey, CelNull, CelString};
use cel::common::value::Val;
use chrono::SecondsFormat;
use serde_json::{Map, Number, Value};
use tributary_model::MAX_EXACT;

use crate::failure::Failure;
use crate::work::STEP_BYTES;

/// A JSON value as CEL sees it: numbers are doubles, fields that are null are left out.
pub(crate) fn to_cel(value: &Value) -> Box<dyn Val> {
    match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(b) => Box::new(CelBool::from(*b)),
        Value::Number(n) => Box::new(CelDouble::from(n.as_f64().unwrap_or(f64::NAN))),
        Value::String(s) => Box::new(CelString::from(s.clone())),
        Value::Array(items) => {
            let items: Vec<Box<dyn Val>> = items.iter().map(to_cel).collect();
            Box::new(CelList::from(items))
        }
        Value::Object(fields) => {
            let fields: HashMap<CelMapKey<'static>, Box<dyn Val>> = fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (CelMapKey::from(key.clone()), to_cel(value)))
                .collect();
            Box::new(CelMap::from(fields))
        }
    }
}

/// What it takes to look at everything in a value once, in steps.
pub(crate) fn weight(value: &Value) -> usize {
    let text = |text: &str| 1 + text.len() / STEP_BYTES;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
        Value::String(value) => text(value),
        Value::Array(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Value::Object(fields) => {
            1 + fields.iter().map(|(name, field)| text(name) + weight(field)).sum::<usize>()
        }
    }
}

/// A CEL result as JSON.
pub(crate) fn from_cel(value: &dyn Val) -> Result<Value, Failure> {
    let value = cel::Value::try_from(value).map_err(|_| not_json(&crate::failure::type_name(value)))?;
    convert(&value)
}

fn convert(value: &cel::Value) -> Result<Value, Failure> {
    Ok(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(b) => Value::Bool(*b),
        cel::Value::Int(i) => Value::from(*i),
        cel::Value::UInt(u) => Value::from(*u),
        cel::Value::Float(f) => number(*f)?,
        cel::Value::String(s) => Value::String(s.to_string()),
        cel::Value::Timestamp(t) => Value::String(t.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        cel::Value::List(items) => Value::Array(items.iter().map(convert).collect::<Result<_, _>>()?),
        cel::Value::Map(map) => {
            let mut fields = Map::new();
            for (key, value) in map.map.iter() {
                fields.insert(key.to_string(), convert(value)?);
            }
            Value::Object(fields)
        }
        cel::Value::Duration(_) => return Err(not_json("duration")),
        cel::Value::Bytes(_) => return Err(not_json("bytes value")),
        _ => return Err(not_json("value of a special type")),
    })
}

fn number(f: f64) -> Result<Value, Failure> {
    if f.fract() == 0.0 && f.abs() <= MAX_EXACT as f64 {
        return Ok(Value::from(f as i64));
    }
    Number::from_f64(f)
        .map(Value::Number)
        .ok_or_else(|| Failure::other("the result holds a number that is not finite"))
}

fn not_json(what: &str) -> Failure {
    Failure::other(format!(
        "the result holds a {what}, which is not a JSON value; write string(...) around it"
    ))
}
