//! Reading `{p}:dead`.

use crate::StreamsError;
use crate::connection::Redis;
use crate::entry::Entry;
use crate::keys::Stream;
use tributary_model::{PartitionId, StreamId};

impl Redis {
    /// Up to `limit` dead letters of a partition after `position`, oldest first; `data` is a `DeadLetter`.
    pub async fn dead_letters(
        &self,
        p: PartitionId,
        position: StreamId,
        limit: usize,
    ) -> Result<Vec<Entry>, StreamsError> {
        self.tail(p, Stream::Dead, position, limit).await
    }
}
