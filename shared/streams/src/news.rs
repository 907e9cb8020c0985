//! Waiting for entries without polling each partition (docs/protocol.md §6).
//!
//! A hint only: the read that follows is fenced and decides what there is.

use crate::connection::Redis;
use crate::keys::{self, Stream};
use crate::{StreamsError, reply::Reply};
use redis::Value;
use redis::aio::MultiplexedConnection;
use std::time::Duration;
use tributary_model::{PartitionId, StreamId};

/// Watches streams on a connection of its own.
pub struct News {
    redis: Redis,
    /// With the longest wait that it was made for.
    connection: Option<(MultiplexedConnection, Duration)>,
}

impl Redis {
    /// A watcher; it connects when it first waits, and again after an error.
    pub fn news(&self) -> News {
        News { redis: self.clone(), connection: None }
    }
}

impl News {
    /// Waits up to `longest` until one of the streams has an entry above its position; answers which have, with the
    /// position to wait above next.
    pub async fn wait(
        &mut self,
        watched: &[(PartitionId, Stream, StreamId)],
        longest: Duration,
    ) -> Result<Vec<(PartitionId, Stream, StreamId)>, StreamsError> {
        let (mut connection, patience) = match self.connection.take() {
            Some((connection, patience)) if patience >= longest => (connection, patience),
            _ => (self.redis.blocking(longest).await?, longest),
        };
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(1).arg("BLOCK").arg(longest.as_millis().max(1) as u64).arg("STREAMS");
        for (p, stream, _) in watched {
            command.arg(keys::stream(*p, *stream));
        }
        for (_, _, position) in watched {
            command.arg(position.to_string());
        }
        // On an error the connection is dropped: the next wait makes a new one.
        let reply: Value = command.query_async(&mut connection).await?;
        self.connection = Some((connection, patience));
        let mut found = Vec::new();
        let Value::Array(streams) = reply else { return Ok(found) };
        for named in streams {
            let mut named = Reply::new(named);
            let key = named.text()?;
            let mut entries = named.list()?;
            let mut last = entries.list()?;
            let position = last.id()?;
            let place = watched.iter().find(|(p, stream, _)| keys::stream(*p, *stream) == key);
            found.extend(place.map(|(p, stream, _)| (*p, *stream, position)));
        }
        Ok(found)
    }
}
