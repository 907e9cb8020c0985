//! Table `partitions`: one row a partition, with the epoch that fences its owner and the positions it has reached.

use sqlx::{PgConnection, Row, postgres::PgRow};
use tributary_model::{PartitionId, StreamId};

use crate::{FlushBatch, Storage, StorageError, convert, pool::within};

/// How far a partition has been folded, stored and published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Positions {
    /// Every change up to it is in the rows.
    pub changes: StreamId,
    /// Every event up to it is stored.
    pub events: StreamId,
    /// The newest id of the profiles stream, as last known to a flush.
    pub published_profiles: StreamId,
    /// The newest id of the sessions stream, as last known to a flush.
    pub published_sessions: StreamId,
}

/// A partition's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionRow {
    /// Which partition.
    pub partition: PartitionId,
    /// The newest owner's.
    pub epoch: i64,
    /// How far it got.
    pub positions: Positions,
}

impl Storage {
    /// Makes the caller the newest owner, before it reads anything: flushes of every former owner are refused from now
    /// on. `None`: somebody newer took the partition already; give it up.
    pub async fn take_epoch(
        &self,
        partition: PartitionId,
        epoch: i64,
    ) -> Result<Option<Positions>, StorageError> {
        within(async {
            let row = sqlx::query(
                "UPDATE partitions SET epoch = $2 WHERE p = $1 AND epoch < $2 \
                 RETURNING changes_pos, events_pos, published_profiles, published_sessions",
            )
            .bind(number(partition))
            .bind(epoch)
            .fetch_optional(&self.pool)
            .await?;
            row.map(|row| positions(&row)).transpose()
        })
        .await
    }

    /// The newest owner's epoch: what the next owner has to exceed, also after Redis forgot its own count.
    pub async fn read_epoch(&self, partition: PartitionId) -> Result<i64, StorageError> {
        within(async {
            let epoch = sqlx::query_scalar("SELECT epoch FROM partitions WHERE p = $1")
                .bind(number(partition))
                .fetch_optional(&self.pool)
                .await?;
            epoch.ok_or_else(|| unknown(partition))
        })
        .await
    }

    /// All partitions, in order.
    pub async fn partitions(&self) -> Result<Vec<PartitionRow>, StorageError> {
        within(async {
            let rows = sqlx::query(
                "SELECT p, epoch, changes_pos, events_pos, published_profiles, published_sessions \
                 FROM partitions ORDER BY p",
            )
            .fetch_all(&self.pool)
            .await?;
            rows.iter()
                .map(|row| {
                    Ok(PartitionRow {
                        partition: convert::partition(row.try_get("p")?)?,
                        epoch: row.try_get("epoch")?,
                        positions: positions(row)?,
                    })
                })
                .collect()
        })
        .await
    }
}

/// The gate of a flush. It comes first in its transaction: the row lock makes a concurrent flush wait here, and find
/// afterwards that its epoch or its starting position is no longer the current one. `false`: nothing may be written.
pub(crate) async fn advance(conn: &mut PgConnection, batch: &FlushBatch) -> Result<bool, StorageError> {
    let outcome = sqlx::query(
        "UPDATE partitions \
         SET changes_pos = $4, events_pos = $5, published_profiles = $6, published_sessions = $7 \
         WHERE p = $1 AND epoch = $2 AND changes_pos = $3",
    )
    .bind(number(batch.partition))
    .bind(batch.epoch)
    .bind(batch.from.sortable())
    .bind(batch.to.changes.sortable())
    .bind(batch.to.events.sortable())
    .bind(batch.to.published_profiles.sortable())
    .bind(batch.to.published_sessions.sortable())
    .execute(conn)
    .await?;
    Ok(outcome.rows_affected() == 1)
}

/// Reads the four position columns of a row.
pub(crate) fn positions(row: &PgRow) -> Result<Positions, StorageError> {
    Ok(Positions {
        changes: convert::stream_id(row.try_get("changes_pos")?)?,
        events: convert::stream_id(row.try_get("events_pos")?)?,
        published_profiles: convert::stream_id(row.try_get("published_profiles")?)?,
        published_sessions: convert::stream_id(row.try_get("published_sessions")?)?,
    })
}

pub(crate) fn number(partition: PartitionId) -> i32 {
    i32::from(partition.0)
}

pub(crate) fn unknown(partition: PartitionId) -> StorageError {
    StorageError::UnknownPartition { partition: partition.0 }
}
