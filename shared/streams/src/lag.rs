//! How far each reader is behind its stream.

use crate::StreamsError;
use crate::connection::Redis;
use crate::keys::{self, Stream};
use crate::script::script;
use redis::{Script, Value};
use std::collections::HashMap;
use std::sync::LazyLock;
use tributary_model::{PartitionId, StreamId};

static COUNT: LazyLock<Script> = LazyLock::new(|| script!("count"));

/// Counting beyond this says no more and costs more.
const COUNTED: u64 = 10_000;
/// How many entries one script counts: it holds up every other client of the node.
const CHUNK: u64 = 500;

/// One reader of one stream of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderLag {
    /// The stream's name.
    pub stream: &'static str,
    /// The group's name; `collector` for the reader without a group.
    pub reader: String,
    /// Entries not handed to it yet. Where Redis does not know and the reader stands within the stream they are counted,
    /// up to 10,000.
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

    /// Counts where the entries lie; only their number is transferred.
    async fn count_after(
        &self,
        p: PartitionId,
        stream: Stream,
        mut position: StreamId,
    ) -> Result<u64, StreamsError> {
        let key = [keys::stream(p, stream)];
        let mut counted = 0;
        while counted < COUNTED {
            let arguments = [position.to_string().into(), CHUNK.to_string().into()];
            let mut reply = self.run(&COUNT, &key, &arguments).await?;
            counted += u64::try_from(reply.integer()?).unwrap_or_default();
            match reply.optional_text()? {
                Some(last) => position = crate::reply::id(&last)?,
                None => break,
            }
        }
        Ok(counted)
    }
}
