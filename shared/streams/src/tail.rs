//! What the collector reads: plain, without a group, after the positions that Postgres holds (docs/protocol.md §7).

use crate::connection::Redis;
use crate::entry::Entry;
use crate::keys::{self, Stream};
use crate::{StreamsError, reply::Reply};
use redis::Value;
use tributary_model::{PartitionId, StreamId};

impl Redis {
    /// The newest entry's position; 0-0 where the stream is empty.
    pub(crate) async fn newest(&self, p: PartitionId, stream: Stream) -> Result<StreamId, StreamsError> {
        let reply: Value = redis::cmd("XREVRANGE")
            .arg(keys::stream(p, stream))
            .arg("+")
            .arg("-")
            .arg("COUNT")
            .arg(1)
            .query_async(&mut self.connection())
            .await?;
        Ok(Entry::parse_all(Reply::new(reply))?.first().map(|entry| entry.id).unwrap_or_default())
    }

    /// One entry; `None` once it was trimmed.
    pub async fn entry(
        &self,
        p: PartitionId,
        stream: Stream,
        id: StreamId,
    ) -> Result<Option<Entry>, StreamsError> {
        let reply: Value = redis::cmd("XRANGE")
            .arg(keys::stream(p, stream))
            .arg(id.to_string())
            .arg(id.to_string())
            .query_async(&mut self.connection())
            .await?;
        Ok(Entry::parse_all(Reply::new(reply))?.pop())
    }

    /// Up to `limit` entries after `position`, in order.
    pub async fn tail(
        &self,
        p: PartitionId,
        stream: Stream,
        position: StreamId,
        limit: usize,
    ) -> Result<Vec<Entry>, StreamsError> {
        let reply: Value = redis::cmd("XRANGE")
            .arg(keys::stream(p, stream))
            .arg(format!("({position}"))
            .arg("+")
            .arg("COUNT")
            .arg(limit)
            .query_async(&mut self.connection())
            .await?;
        Entry::parse_all(Reply::new(reply))
    }
}
