//! Table `dead_letters`: what can never be written, set aside in the transaction that would have written it.

use sqlx::PgConnection;
use tributary_model::{PartitionId, StreamId};

use crate::{StorageError, convert, partitions};

/// Something that was given up on. Its texts may come from an entry that nothing could read, so they are not checked ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadRow {
    /// As the entry names it; may be empty.
    pub tenant: String,
    /// What it was: `event`, `change`, `profile`, `session` or `origin`.
    pub kind: &'static str,
    /// The event, profile or session concerned; may be empty.
    pub subject: String,
    /// Its entry in the stream.
    pub entry: StreamId,
    /// Stable, for programs.
    pub reason: &'static str,
    /// For people; no values.
    pub message: String,
    /// The entry's content.
    pub data: Vec<u8>,
}

/// Writes them; an entry that is there already is the same one.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    partition: PartitionId,
    rows: &[DeadRow],
) -> Result<(), StorageError> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO dead_letters (tenant, kind, p, entry, subject, reason, message, data) \
         SELECT r.tenant, r.kind, $1, r.entry, r.subject, r.reason, r.message, r.data \
         FROM UNNEST($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[]) \
              AS r(tenant, kind, entry, subject, reason, message, data) \
         ON CONFLICT DO NOTHING",
    )
    .bind(partitions::number(partition))
    .bind(rows.iter().map(|row| convert::without_nul(&row.tenant)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.kind).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.entry.sortable()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| convert::without_nul(&row.subject)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.reason).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| convert::without_nul(&row.message)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.data.as_slice()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
