//! Taking a script's reply apart, with an error instead of a panic where it has another shape.

use crate::error::StreamsError;
use redis::Value;
use tributary_model::StreamId;

/// A reply, read from the front.
pub(crate) struct Reply(std::vec::IntoIter<Value>);

impl Reply {
    pub(crate) fn new(value: Value) -> Self {
        let items = match value {
            Value::Array(items) => items,
            other => vec![other],
        };
        Self(items.into_iter())
    }

    pub(crate) fn next(&mut self) -> Result<Value, StreamsError> {
        self.0.next().ok_or_else(|| StreamsError::unexpected("a reply that ends early"))
    }

    pub(crate) fn remaining(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, StreamsError> {
        bytes(self.next()?)
    }

    pub(crate) fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>, StreamsError> {
        match self.next()? {
            Value::Nil | Value::Boolean(false) => Ok(None),
            value => bytes(value).map(Some),
        }
    }

    pub(crate) fn text(&mut self) -> Result<String, StreamsError> {
        text(self.bytes()?)
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<String>, StreamsError> {
        self.optional_bytes()?.map(text).transpose()
    }

    pub(crate) fn integer(&mut self) -> Result<i64, StreamsError> {
        match self.next()? {
            Value::Int(integer) => Ok(integer),
            value => text(bytes(value)?)?.parse().map_err(|_| StreamsError::unexpected("no integer")),
        }
    }

    pub(crate) fn id(&mut self) -> Result<StreamId, StreamsError> {
        id(&self.text()?)
    }

    pub(crate) fn list(&mut self) -> Result<Reply, StreamsError> {
        match self.next()? {
            Value::Array(items) => Ok(Self(items.into_iter())),
            Value::Nil => Ok(Self(Vec::new().into_iter())),
            _ => Err(StreamsError::unexpected("no list")),
        }
    }

    /// The first word of a fenced script's reply; `FENCED` becomes its own error.
    pub(crate) fn status(&mut self) -> Result<String, StreamsError> {
        let status = self.text()?;
        if status == "FENCED" { Err(StreamsError::Fenced) } else { Ok(status) }
    }

    /// As [`Reply::status`], where `OK` is the only other word expected.
    pub(crate) fn expect_ok(&mut self) -> Result<(), StreamsError> {
        match self.status()?.as_str() {
            "OK" => Ok(()),
            other => Err(StreamsError::Broken(format!("the status {other}"))),
        }
    }
}

pub(crate) fn id(text: &str) -> Result<StreamId, StreamsError> {
    text.parse().map_err(|_| StreamsError::unexpected("no stream id"))
}

fn text(bytes: Vec<u8>) -> Result<String, StreamsError> {
    String::from_utf8(bytes).map_err(|_| StreamsError::unexpected("no text"))
}

fn bytes(value: Value) -> Result<Vec<u8>, StreamsError> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        Value::Okay => Ok(b"OK".to_vec()),
        Value::Int(integer) => Ok(integer.to_string().into_bytes()),
        _ => Err(StreamsError::unexpected("no string")),
    }
}
