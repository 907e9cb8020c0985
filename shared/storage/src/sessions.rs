//! Table `sessions`: one row for each profile at which a session's events were accepted; the session is their join.

use std::collections::HashMap;

use serde_json::{Map, Value};
use sqlx::{PgConnection, Row, postgres::PgRow};
use tributary_model::{PartitionId, ProfileId, SessionId, State, StreamId, TenantId};

use crate::{
    DeadRow, MemberRow, Storage, StorageError, convert, flush::Writable, partitions, pool::within, profiles,
};

/// Which member of which session: tenant, session, origin.
pub type SessionKey = (TenantId, SessionId, ProfileId);

/// A member of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionMember {
    /// The profile at which its events were accepted.
    pub origin: ProfileId,
    /// The profile that the session was bound to then.
    pub bound: ProfileId,
    /// Version and fold.
    pub member: MemberRow,
}

/// A member to write, or one read for publishing.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRow {
    /// Who owns it.
    pub tenant: TenantId,
    /// The client's session id.
    pub id: SessionId,
    /// The profile at which its events were accepted.
    pub origin: ProfileId,
    /// The profile that the session was bound to at acceptance.
    pub bound: ProfileId,
    /// The id of the last change folded in.
    pub version: StreamId,
    /// The fold.
    pub state: State,
    /// What people see of it, for SQL by hand; empty on rows that were read.
    pub fields: Map<String, Value>,
}

impl Storage {
    /// One member, if it has a row, and the position as of which that is true; see
    /// [`Storage::load_profile_with_position`]. `partition` is that of the origin.
    pub async fn load_session_with_position(
        &self,
        tenant: &TenantId,
        session: &SessionId,
        origin: &ProfileId,
        partition: PartitionId,
    ) -> Result<(Option<MemberRow>, StreamId), StorageError> {
        within(async {
            let row = sqlx::query(
                "SELECT here.changes_pos, member.version, member.state FROM partitions AS here \
                 LEFT JOIN sessions AS member ON member.tenant = $2 AND member.id = $3 AND member.origin = $4 \
                 WHERE here.p = $1",
            )
            .bind(partitions::number(partition))
            .bind(tenant.as_str())
            .bind(session.as_str())
            .bind(origin.as_str())
            .fetch_optional(&self.pool)
            .await?
            .ok_or_else(|| partitions::unknown(partition))?;
            Ok((profiles::optional_member(&row)?, convert::stream_id(row.try_get("changes_pos")?)?))
        })
        .await
    }

    /// The members named, where they have rows.
    pub async fn load_sessions(
        &self,
        keys: &[SessionKey],
    ) -> Result<HashMap<SessionKey, SessionMember>, StorageError> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        within(async {
            let rows = sqlx::query(
                "SELECT tenant, id, origin, bound, version, state FROM sessions \
                 JOIN UNNEST($1::text[], $2::text[], $3::text[]) AS wanted(tenant, id, origin) \
                 USING (tenant, id, origin)",
            )
            .bind(keys.iter().map(|(tenant, ..)| tenant.as_str()).collect::<Vec<_>>())
            .bind(keys.iter().map(|(_, id, _)| id.as_str()).collect::<Vec<_>>())
            .bind(keys.iter().map(|(.., origin)| origin.as_str()).collect::<Vec<_>>())
            .fetch_all(&self.pool)
            .await?;
            rows.iter()
                .map(|row| {
                    let (tenant, id) = key(row)?;
                    let member = session_member(row)?;
                    Ok(((tenant, id, member.origin.clone()), member))
                })
                .collect()
        })
        .await
    }

    /// The profile that a session was bound to, from any of its rows: they all agree. `None`: no row yet.
    pub async fn bound_of(
        &self,
        tenant: &TenantId,
        session: &SessionId,
    ) -> Result<Option<ProfileId>, StorageError> {
        within(async {
            let bound: Option<String> =
                sqlx::query_scalar("SELECT bound FROM sessions WHERE tenant = $1 AND id = $2 LIMIT 1")
                    .bind(tenant.as_str())
                    .bind(session.as_str())
                    .fetch_optional(&self.pool)
                    .await?;
            bound.map(|bound| convert::id(ProfileId::new(bound))).transpose()
        })
        .await
    }

    /// All members of a session, as of the last flushes.
    pub async fn session_members(
        &self,
        tenant: &TenantId,
        session: &SessionId,
    ) -> Result<Vec<SessionMember>, StorageError> {
        within(async {
            let rows = sqlx::query(
                "SELECT origin, bound, version, state FROM sessions WHERE tenant = $1 AND id = $2 ORDER BY origin",
            )
            .bind(tenant.as_str())
            .bind(session.as_str())
            .fetch_all(&self.pool)
            .await?;
            rows.iter().map(session_member).collect()
        })
        .await
    }
}

impl Writable for SessionRow {
    async fn write(
        conn: &mut PgConnection,
        partition: PartitionId,
        rows: &[Self],
    ) -> Result<(), StorageError> {
        // `bound` is written by the first flush and kept: a binding never changes.
        sqlx::query(
            "INSERT INTO sessions (tenant, id, origin, bound, p, version, state, fields) \
             SELECT r.tenant, r.id, r.origin, r.bound, $1, r.version, r.state, r.fields::jsonb \
             FROM UNNEST($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::text[]) \
                  AS r(tenant, id, origin, bound, version, state, fields) \
             ON CONFLICT (tenant, id, origin) DO UPDATE SET version = excluded.version, state = excluded.state, \
                 fields = excluded.fields, updated_at = now()",
        )
        .bind(partitions::number(partition))
        .bind(rows.iter().map(|row| row.tenant.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.origin.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.bound.as_str()).collect::<Vec<_>>())
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
            kind: "session",
            subject: self.id.to_string(),
            entry: self.version,
            reason: "ROW_REFUSED",
            message,
            data: convert::encode_state(&self.state),
        }
    }
}

/// Reads `origin`, `bound`, `version` and `state`.
pub(crate) fn session_member(row: &PgRow) -> Result<SessionMember, StorageError> {
    let origin: &str = row.try_get("origin")?;
    let bound: &str = row.try_get("bound")?;
    Ok(SessionMember {
        origin: convert::id(ProfileId::new(origin))?,
        bound: convert::id(ProfileId::new(bound))?,
        member: profiles::member(row)?,
    })
}

/// Reads `tenant` and `id`.
pub(crate) fn key(row: &PgRow) -> Result<(TenantId, SessionId), StorageError> {
    let tenant: &str = row.try_get("tenant")?;
    let id: &str = row.try_get("id")?;
    Ok((convert::id(TenantId::new(tenant))?, convert::id(SessionId::new(id))?))
}
