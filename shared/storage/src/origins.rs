//! Table `origins`: when a profile was born, written once.

use sqlx::PgConnection;
use tributary_model::{PartitionId, ProfileId, TenantId, Time};

use crate::{DeadRow, StorageError, convert, flush::Writable};

/// A profile's birth: the time at which its first change was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginRow {
    /// Who owns it.
    pub tenant: TenantId,
    /// The profile.
    pub id: ProfileId,
    /// Received time of its first change.
    pub born: Time,
}

impl Writable for OriginRow {
    async fn write(conn: &mut PgConnection, _: PartitionId, rows: &[Self]) -> Result<(), StorageError> {
        let born = rows.iter().map(|row| convert::timestamp(row.born)).collect::<Result<Vec<_>, _>>()?;
        sqlx::query(
            "INSERT INTO origins (tenant, id, born) SELECT * FROM UNNEST($1::text[], $2::text[], $3::timestamptz[]) \
             ON CONFLICT DO NOTHING",
        )
        .bind(rows.iter().map(|row| row.tenant.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>())
        .bind(born)
        .execute(conn)
        .await?;
        Ok(())
    }

    fn dead(&self, message: String) -> DeadRow {
        DeadRow {
            tenant: self.tenant.to_string(),
            kind: "origin",
            subject: self.id.to_string(),
            entry: Default::default(),
            reason: "ROW_REFUSED",
            message,
            data: Vec::new(),
        }
    }
}
