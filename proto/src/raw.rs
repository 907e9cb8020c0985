//! Documents carried as the bytes they came in.
//!
//! `google.protobuf.Struct` and `Value` are mapped to these types, so decoding a message copies a document instead of
//! building a tree of it; [`RawStruct::to_object`] builds the tree where a stage really looks inside.

mod decode;
mod encode;

use prost::bytes::{Buf, BufMut};
use prost::encoding::{
    DecodeContext, WireType, decode_varint, encode_key, encode_varint, encoded_len_varint,
};
use prost::{DecodeError, Message};
use serde_json::{Map, Value};

/// How deeply objects and lists may lie within each other.
pub const MAX_NESTING: usize = 32;

/// Why a document could not be read. `path` is dotted and starts below the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Objects and lists lie more than [`MAX_NESTING`] deep.
    #[error("is nested more than {MAX_NESTING} deep")]
    TooDeep,
    /// The bytes are not a document.
    #[error("is not a google.protobuf.Struct or Value")]
    Malformed,
    /// A number is NaN or infinite.
    #[error("`{path}` is not a finite number")]
    NotFinite {
        /// Where the number stands.
        path: String,
    },
}

/// A `google.protobuf.Struct` as its encoded bytes. Equality is that of the bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct RawStruct(Vec<u8>);

/// A `google.protobuf.Value` as its encoded bytes. Equality is that of the bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct RawValue(Vec<u8>);

impl RawStruct {
    /// Encodes an object.
    pub fn from_object(object: &Map<String, Value>) -> Self {
        let mut bytes = Vec::new();
        encode::object(object, &mut bytes);
        Self(bytes)
    }

    /// Builds the tree. Whole numbers within 2^53 become integers, so that 1 and 1.0 are one value.
    pub fn to_object(&self) -> Result<Map<String, Value>, DocumentError> {
        decode::object(&self.0, MAX_NESTING, &mut decode::Trail::default())
    }

    /// True without any field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Size in bytes, as encoded.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl RawValue {
    /// Encodes a value.
    pub fn from_json(value: &Value) -> Self {
        let mut bytes = Vec::new();
        encode::value(value, &mut bytes);
        Self(bytes)
    }

    /// Builds the tree, as [`RawStruct::to_object`] does.
    pub fn to_json(&self) -> Result<Value, DocumentError> {
        decode::value(&self.0, MAX_NESTING, &mut decode::Trail::default())
    }
}

/// Appends one field as it stands on the wire: what a message made of kept bytes does with each of its fields.
fn keep_field(
    kept: &mut Vec<u8>,
    tag: u32,
    wire_type: WireType,
    buf: &mut impl Buf,
) -> Result<(), DecodeError> {
    encode_key(tag, wire_type, kept);
    let length = match wire_type {
        WireType::Varint => {
            encode_varint(decode_varint(buf)?, kept);
            return Ok(());
        }
        WireType::ThirtyTwoBit => 4,
        WireType::SixtyFourBit => 8,
        WireType::LengthDelimited => {
            let length = decode_varint(buf)?;
            encode_varint(length, kept);
            usize::try_from(length).unwrap_or(usize::MAX)
        }
        WireType::StartGroup | WireType::EndGroup => usize::MAX,
    };
    if length > buf.remaining() {
        // Groups and lengths beyond the end: prost has no public way to make its error, so one is provoked.
        return Err(truncated());
    }
    kept.put(buf.take(length));
    Ok(())
}

fn truncated() -> DecodeError {
    let mut nothing: &[u8] = &[];
    decode_varint(&mut nothing).expect_err("an empty buffer holds no varint")
}

macro_rules! kept_message {
    ($name:ident) => {
        impl Message for $name {
            fn encode_raw(&self, buf: &mut impl BufMut) {
                buf.put_slice(&self.0);
            }

            fn merge_field(
                &mut self,
                tag: u32,
                wire_type: WireType,
                buf: &mut impl Buf,
                _: DecodeContext,
            ) -> Result<(), DecodeError> {
                keep_field(&mut self.0, tag, wire_type, buf)
            }

            fn encoded_len(&self) -> usize {
                self.0.len()
            }

            fn clear(&mut self) {
                self.0.clear();
            }
        }
    };
}

kept_message!(RawStruct);
kept_message!(RawValue);

/// The wire form of a key and a length-delimited field, shared by the encoder.
fn put_delimited(tag: u32, bytes: &[u8], out: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, out);
    out.reserve(encoded_len_varint(bytes.len() as u64) + bytes.len());
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests;
