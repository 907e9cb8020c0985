//! What a new owner has to publish before its first flush: the rows that a crash left between commit and stream.

use tributary_model::{PartitionId, StreamId};

use crate::{
    Positions, ProfileRow, SessionRow, Storage, StorageError, partitions, pool::within, profiles, sessions,
};

/// A partition's positions, and rows that are true as of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Behind {
    /// Read in the same snapshot as the rows: a position read apart could say less than the rows hold.
    pub positions: Positions,
    /// Ascending by version.
    pub profiles: Vec<ProfileRow>,
    /// Ascending by version.
    pub sessions: Vec<SessionRow>,
}

impl Storage {
    /// The rows of a partition with versions above these, at most `limit` of each kind; call again with the greatest
    /// versions returned until both lists are empty. While the caller's epoch is the newest, and before its first flush,
    /// nobody moves the rows, so all pages belong together.
    pub async fn published_behind(
        &self,
        partition: PartitionId,
        profiles_after: StreamId,
        sessions_after: StreamId,
        limit: u32,
    ) -> Result<Behind, StorageError> {
        within(async {
            let mut tx = self.pool.begin_with("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
            let here = sqlx::query(
                "SELECT changes_pos, events_pos, published_profiles, published_sessions FROM partitions WHERE p = $1",
            )
            .bind(partitions::number(partition))
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| partitions::unknown(partition))?;
            let profiles = sqlx::query(
                "SELECT tenant, id, version, state FROM profiles WHERE p = $1 AND version > $2 ORDER BY version LIMIT $3",
            )
            .bind(partitions::number(partition))
            .bind(profiles_after.sortable())
            .bind(i64::from(limit))
            .fetch_all(&mut *tx)
            .await?;
            let sessions = sqlx::query(
                "SELECT tenant, id, origin, bound, version, state FROM sessions \
                 WHERE p = $1 AND version > $2 ORDER BY version LIMIT $3",
            )
            .bind(partitions::number(partition))
            .bind(sessions_after.sortable())
            .bind(i64::from(limit))
            .fetch_all(&mut *tx)
            .await?;
            tx.rollback().await?;
            Ok(Behind {
                positions: partitions::positions(&here)?,
                profiles: profiles.iter().map(profile).collect::<Result<_, _>>()?,
                sessions: sessions.iter().map(session).collect::<Result<_, _>>()?,
            })
        })
        .await
    }
}

fn profile(row: &sqlx::postgres::PgRow) -> Result<ProfileRow, StorageError> {
    let (tenant, id) = profiles::key(row)?;
    let member = profiles::member(row)?;
    Ok(ProfileRow { tenant, id, version: member.version, state: member.state, fields: Default::default() })
}

fn session(row: &sqlx::postgres::PgRow) -> Result<SessionRow, StorageError> {
    let (tenant, id) = sessions::key(row)?;
    let sessions::SessionMember { origin, bound, member } = sessions::session_member(row)?;
    Ok(SessionRow {
        tenant,
        id,
        origin,
        bound,
        version: member.version,
        state: member.state,
        fields: Default::default(),
    })
}
