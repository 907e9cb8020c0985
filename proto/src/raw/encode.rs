//! JSON tree → `google.protobuf.Struct` bytes.

use super::put_delimited;
use prost::encoding::{WireType, encode_key, encode_varint};
use serde_json::{Map, Value};

const FIELDS: u32 = 1;
const KEY: u32 = 1;
const VALUE: u32 = 2;

const NULL: u32 = 1;
const NUMBER: u32 = 2;
const STRING: u32 = 3;
const BOOL: u32 = 4;
const STRUCT: u32 = 5;
const LIST: u32 = 6;
const LIST_VALUES: u32 = 1;

pub(super) fn object(object: &Map<String, Value>, out: &mut Vec<u8>) {
    let mut entry = Vec::new();
    let mut encoded = Vec::new();
    for (key, member) in object {
        entry.clear();
        encoded.clear();
        put_delimited(KEY, key.as_bytes(), &mut entry);
        value(member, &mut encoded);
        put_delimited(VALUE, &encoded, &mut entry);
        put_delimited(FIELDS, &entry, out);
    }
}

pub(super) fn value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => {
            encode_key(NULL, WireType::Varint, out);
            encode_varint(0, out);
        }
        Value::Bool(bool) => {
            encode_key(BOOL, WireType::Varint, out);
            encode_varint(u64::from(*bool), out);
        }
        Value::Number(number) => {
            encode_key(NUMBER, WireType::SixtyFourBit, out);
            out.extend_from_slice(&number.as_f64().unwrap_or_default().to_le_bytes());
        }
        Value::String(text) => put_delimited(STRING, text.as_bytes(), out),
        Value::Object(members) => {
            let mut encoded = Vec::new();
            object(members, &mut encoded);
            put_delimited(STRUCT, &encoded, out);
        }
        Value::Array(items) => {
            let mut list = Vec::new();
            let mut encoded = Vec::new();
            for item in items {
                encoded.clear();
                self::value(item, &mut encoded);
                put_delimited(LIST_VALUES, &encoded, &mut list);
            }
            put_delimited(LIST, &list, out);
        }
    }
}
