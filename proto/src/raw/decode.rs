//! `google.protobuf.Struct` bytes → JSON tree, with a bound on nesting.

use super::DocumentError;
use prost::encoding::{WireType, decode_key, decode_varint};
use serde_json::{Map, Number, Value};

/// Integers beyond this are not exact in a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The keys that lead to where the decoder is, for errors.
#[derive(Default)]
pub(super) struct Trail(Vec<String>);

impl Trail {
    fn path(&self) -> String {
        self.0.join(".")
    }
}

pub(super) fn object(
    mut bytes: &[u8],
    depth: usize,
    trail: &mut Trail,
) -> Result<Map<String, Value>, DocumentError> {
    if depth == 0 {
        return Err(DocumentError::TooDeep);
    }
    let mut members = Map::new();
    while !bytes.is_empty() {
        match field(&mut bytes)? {
            (1, Field::Bytes(entry)) => {
                let (key, encoded) = map_entry(entry)?;
                trail.0.push(key);
                let member = value(encoded, depth, trail)?;
                // A key that comes twice: the last one counts, as in every protobuf map.
                members.insert(trail.0.pop().unwrap_or_default(), member);
            }
            _ => return Err(DocumentError::Malformed),
        }
    }
    Ok(members)
}

pub(super) fn value(mut bytes: &[u8], depth: usize, trail: &mut Trail) -> Result<Value, DocumentError> {
    let mut result = Value::Null;
    while !bytes.is_empty() {
        result = match field(&mut bytes)? {
            (1, Field::Varint(_)) => Value::Null,
            (2, Field::Fixed64(bits)) => number(f64::from_bits(bits), trail)?,
            (3, Field::Bytes(text)) => Value::String(text_of(text)?),
            (4, Field::Varint(bool)) => Value::Bool(bool != 0),
            (5, Field::Bytes(encoded)) => Value::Object(object(encoded, depth - 1, trail)?),
            (6, Field::Bytes(encoded)) => Value::Array(list(encoded, depth - 1, trail)?),
            _ => return Err(DocumentError::Malformed),
        };
    }
    Ok(result)
}

fn list(mut bytes: &[u8], depth: usize, trail: &mut Trail) -> Result<Vec<Value>, DocumentError> {
    if depth == 0 {
        return Err(DocumentError::TooDeep);
    }
    let mut items = Vec::new();
    while !bytes.is_empty() {
        match field(&mut bytes)? {
            (1, Field::Bytes(encoded)) => {
                trail.0.push(items.len().to_string());
                items.push(value(encoded, depth, trail)?);
                trail.0.pop();
            }
            _ => return Err(DocumentError::Malformed),
        }
    }
    Ok(items)
}

fn map_entry(mut bytes: &[u8]) -> Result<(String, &[u8]), DocumentError> {
    let mut key = String::new();
    let mut encoded: &[u8] = &[];
    while !bytes.is_empty() {
        match field(&mut bytes)? {
            (1, Field::Bytes(text)) => key = text_of(text)?,
            (2, Field::Bytes(value)) => encoded = value,
            _ => return Err(DocumentError::Malformed),
        }
    }
    Ok((key, encoded))
}

fn number(number: f64, trail: &Trail) -> Result<Value, DocumentError> {
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Ok(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number).ok_or_else(|| DocumentError::NotFinite { path: trail.path() })
}

fn text_of(bytes: &[u8]) -> Result<String, DocumentError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| DocumentError::Malformed)
}

enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
}

fn field<'a>(bytes: &mut &'a [u8]) -> Result<(u32, Field<'a>), DocumentError> {
    let (tag, wire_type) = decode_key(bytes).map_err(|_| DocumentError::Malformed)?;
    let field = match wire_type {
        WireType::Varint => Field::Varint(decode_varint(bytes).map_err(|_| DocumentError::Malformed)?),
        WireType::SixtyFourBit => {
            let (head, rest) = bytes.split_first_chunk::<8>().ok_or(DocumentError::Malformed)?;
            *bytes = rest;
            Field::Fixed64(u64::from_le_bytes(*head))
        }
        WireType::LengthDelimited => {
            let length = decode_varint(bytes).map_err(|_| DocumentError::Malformed)?;
            let length = usize::try_from(length).map_err(|_| DocumentError::Malformed)?;
            let (head, rest) = bytes.split_at_checked(length).ok_or(DocumentError::Malformed)?;
            *bytes = rest;
            Field::Bytes(head)
        }
        _ => return Err(DocumentError::Malformed),
    };
    Ok((tag, field))
}
