//! Table `profiles`: one row a member, that is, what was recorded under one profile id.

use std::collections::HashMap;

use serde_json::{Map, Value};
use sqlx::{PgConnection, Row, postgres::PgRow};
use tributary_model::{PartitionId, ProfileId, State, StreamId, TenantId};

use crate::{DeadRow, Storage, StorageError, convert, flush::Writable, partitions, pool::within};

/// Whose member.
pub type ProfileKey = (TenantId, ProfileId);

/// A member as of its version.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberRow {
    /// The id of the last change folded in.
    pub version: StreamId,
    /// The fold.
    pub state: State,
}

/// A member to write, or one read for publishing.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileRow {
    /// Who owns it.
    pub tenant: TenantId,
    /// The profile id under which it was recorded.
    pub id: ProfileId,
    /// The id of the last change folded in.
    pub version: StreamId,
    /// The fold.
    pub state: State,
    /// What people see of it, for SQL by hand; empty on rows that were read.
    pub fields: Map<String, Value>,
}

impl Storage {
    /// A member, if it has a row, and the position as of which that is true: the row (or its absence) contains every
    /// change up to it. One statement, hence one snapshot: a position read apart could be ahead of the row.
    pub async fn load_profile_with_position(
        &self,
        tenant: &TenantId,
        id: &ProfileId,
        partition: PartitionId,
    ) -> Result<(Option<MemberRow>, StreamId), StorageError> {
        within(async {
            let row = sqlx::query(
                "SELECT here.changes_pos, member.version, member.state FROM partitions AS here \
                 LEFT JOIN profiles AS member ON member.tenant = $2 AND member.id = $3 WHERE here.p = $1",
            )
            .bind(partitions::number(partition))
            .bind(tenant.as_str())
            .bind(id.as_str())
            .fetch_optional(&self.pool)
            .await?
            .ok_or_else(|| partitions::unknown(partition))?;
            Ok((optional_member(&row)?, convert::stream_id(row.try_get("changes_pos")?)?))
        })
        .await
    }

    /// The members of these profiles that have rows.
    pub async fn load_profiles(
        &self,
        keys: &[ProfileKey],
    ) -> Result<HashMap<ProfileKey, MemberRow>, StorageError> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        within(async {
            let rows = sqlx::query(
                "SELECT tenant, id, version, state FROM profiles \
                 JOIN UNNEST($1::text[], $2::text[]) AS wanted(tenant, id) USING (tenant, id)",
            )
            .bind(keys.iter().map(|(tenant, _)| tenant.as_str()).collect::<Vec<_>>())
            .bind(keys.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>())
            .fetch_all(&self.pool)
            .await?;
            rows.iter().map(|row| Ok((key(row)?, member(row)?))).collect()
        })
        .await
    }
}

impl Writable for ProfileRow {
    async fn write(
        conn: &mut PgConnection,
        partition: PartitionId,
        rows: &[Self],
    ) -> Result<(), StorageError> {
        sqlx::query(
            "INSERT INTO profiles (tenant, id, p, version, state, fields) \
             SELECT r.tenant, r.id, $1, r.version, r.state, r.fields::jsonb \
             FROM UNNEST($2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[]) \
                  AS r(tenant, id, version, state, fields) \
             ON CONFLICT (tenant, id) DO UPDATE SET version = excluded.version, state = excluded.state, \
                 fields = excluded.fields, updated_at = now()",
        )
        .bind(partitions::number(partition))
        .bind(rows.iter().map(|row| row.tenant.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.version.sortable()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| convert::encode_state(&row.state)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| convert::shown_text(&row.fields)).collect::<Vec<_>>())
        .execute(conn)
        .await?;
        Ok(())
    }

    fn dead(&self, message: String) -> DeadRow {
        DeadRow {
            tenant: self.tenant.to_string(),
            kind: "profile",
            subject: self.id.to_string(),
            entry: self.version,
            reason: "ROW_REFUSED",
            message,
            data: convert::encode_state(&self.state),
        }
    }
}

/// Reads `version` and `state`.
pub(crate) fn member(row: &PgRow) -> Result<MemberRow, StorageError> {
    Ok(MemberRow {
        version: convert::stream_id(row.try_get("version")?)?,
        state: convert::decode_state(row.try_get("state")?)?,
    })
}

/// Reads `version` and `state` of an outer join.
pub(crate) fn optional_member(row: &PgRow) -> Result<Option<MemberRow>, StorageError> {
    let exists = row.try_get::<Option<&str>, _>("version")?.is_some();
    exists.then(|| member(row)).transpose()
}

/// Reads `tenant` and `id`.
pub(crate) fn key(row: &PgRow) -> Result<ProfileKey, StorageError> {
    let tenant: &str = row.try_get("tenant")?;
    let id: &str = row.try_get("id")?;
    Ok((convert::id(TenantId::new(tenant))?, convert::id(ProfileId::new(id))?))
}
