//! How far every reader is behind.

use tributary_model::PartitionId;
use tributary_proto::v1;
use tributary_storage::Storage;
use tributary_streams::{ReaderLag, Redis, Stream};

use crate::error::ReadError;

/// The streams that have consumer groups of the mesh.
const GROUPED: [Stream; 3] = [Stream::Events, Stream::Forward, Stream::Profiles];

/// All groups of all partitions, and the collector, whose positions are in Postgres.
pub(super) async fn of_all_readers(
    redis: &Redis,
    storage: &Storage,
) -> Result<Vec<v1::ReaderLag>, ReadError> {
    let mut readers = Vec::new();
    for row in storage.partitions().await? {
        let p = row.partition;
        let mut add = |lag| readers.push(to_wire(p, lag));
        add(redis.collector_lag(p, Stream::Changes, row.positions.changes).await?);
        add(redis.collector_lag(p, Stream::Events, row.positions.events).await?);
        for stream in GROUPED {
            redis.group_lag(p, stream).await?.into_iter().for_each(&mut add);
        }
    }
    Ok(readers)
}

fn to_wire(partition: PartitionId, lag: ReaderLag) -> v1::ReaderLag {
    v1::ReaderLag {
        partition: u32::from(partition.0),
        stream: lag.stream.to_owned(),
        reader: lag.reader,
        behind: lag.behind,
        pending: lag.pending,
    }
}
