//! How far each reader is behind its stream.

use crate::connection::Redis;
use crate::keys::{self, Stream};
use crate::StreamsError;
use redis::Value;
use std::collections::HashMap;
use tributary_model::{PartitionId, StreamId};

/// Counting beyond this says no more and costs more.
const COUNTED: usize = 10_000;

/// One reader of one stream of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderLag {
    /// The stream's name.
    pub stream: &'static str,
    /// The group's name; `collector` for the reader without a group.
    pub reader: String,
    /// Entries not handed to it yet; for the collector at most 10,000 are counted.
    pub behind: u64,
    /// Entries handed to it and not finished.
    pub pending: u64,
}

impl Redis {
    /// The lag of every consumer group of a stream; empty where the stream does not exist.
    pub async fn group_lag(&self, p: PartitionId, stream: Stream) -> Result<Vec<ReaderLag>, StreamsError> {
        let reply = redis::cmd("XINFO")
            .arg("GROUPS")
            .arg(keys::stream(p, stream))
            .query_async::<Vec<HashMap<String, Value>>>(&mut self.connection())
            .await;
        let groups = match reply {
            Ok(groups) => groups,
            Err(error) if error.code() == Some("ERR") => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut lags = Vec::with_capacity(groups.len());
        for group in groups {
            let text = |name: &str| match group.get(name) {
                Some(Value::BulkString(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
                _ => String::new(),
            };
            let integer = |name: &str| match group.get(name) {
                Some(Value::Int(integer)) => u64::try_from(*integer).ok(),
                _ => None,
            };
            let behind = match integer("lag") {
                Some(lag) => lag,
                // Redis cannot tell after some trims: then it is counted.
                None => self.count_after(p, stream, crate::reply::id(&text("last-delivered-id"))?).await?,
            };
            lags.push(ReaderLag {
                stream: stream.name(),
                reader: text("name"),
                behind,
                pending: integer("pending").unwrap_or_default(),
            });
        }
        Ok(lags)
    }

    /// The collector's lag: entries after the position that Postgres holds.
    pub async fn collector_lag(
        &self,
        p: PartitionId,
        stream: Stream,
        position: StreamId,
    ) -> Result<ReaderLag, StreamsError> {
        let behind = self.count_after(p, stream, position).await?;
        Ok(ReaderLag { stream: stream.name(), reader: "collector".to_owned(), behind, pending: 0 })
    }

    async fn count_after(
        &self,
        p: PartitionId,
        stream: Stream,
        position: StreamId,
    ) -> Result<u64, StreamsError> {
        let entries: Vec<Value> = redis::cmd("XRANGE")
            .arg(keys::stream(p, stream))
            .arg(format!("({position}"))
            .arg("+")
            .arg("COUNT")
            .arg(COUNTED)
            .query_async(&mut self.connection())
            .await?;
        Ok(entries.len() as u64)
    }
}
