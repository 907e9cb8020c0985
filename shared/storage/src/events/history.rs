//! What lately happened to one profile, as of an exact position of its partition's events.

use sqlx::Row as _;
use tributary_model::{PartitionId, ProfileId, StreamId, TenantId, Time};

use super::EventRow;
use super::read::{columns, event};
use crate::{Storage, StorageError, convert, partitions, pool::within};

/// Behind every position whose text can be compared.
const LAST: StreamId = StreamId::new(999_999_999_999_999, 9_999_999_999);

/// The recent past of a profile.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Every event of the partition up to this entry is stored: what the stream holds behind it is not among `events`, and
    /// what lies before it is, as far as it was asked for.
    pub upto: StreamId,
    /// Newest first by the time at which they happened; of one time, by their places in the stream.
    pub events: Vec<EventRow>,
}

/// Which events of a profile are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Of these types; of all, when empty.
    pub types: &'a [String],
    /// That happened at this time or later.
    pub since: Time,
    /// Whose entry does not lie behind this one.
    pub position: StreamId,
    /// The newest so many. With 0 only the position is answered.
    pub limit: u16,
}

impl Storage {
    /// The stored events of a profile that are asked for; none that does not fit its Schema. `partition` is the profile's.
    /// One statement, hence one snapshot: a position read apart could be ahead of the rows.
    ///
    /// # Errors
    /// Postgres does not answer, or does not have the partition.
    pub async fn history(
        &self,
        tenant: &TenantId,
        profile: &ProfileId,
        partition: PartitionId,
        asked: &Asked<'_>,
    ) -> Result<History, StorageError> {
        let Asked { types, since, position, limit } = *asked;
        within(async {
            let rows = sqlx::query(concat!(
                "SELECT here.events_pos, ",
                columns!(),
                " FROM partitions AS here LEFT JOIN LATERAL (\
                     SELECT * FROM events WHERE tenant = $2 AND profile_id = $3 AND time >= $4 \
                     AND entry <= $7 AND NOT invalid AND ($5::text[] IS NULL OR type = ANY ($5)) \
                     ORDER BY time DESC, entry DESC LIMIT $6\
                 ) AS event ON true WHERE here.p = $1 ORDER BY event.time DESC, event.entry DESC",
            ))
            .bind(partitions::number(partition))
            .bind(tenant.as_str())
            .bind(profile.as_str())
            .bind(convert::timestamp(since)?)
            .bind((!types.is_empty()).then_some(types))
            .bind(i64::from(limit))
            .bind(position.min(LAST).sortable())
            .fetch_all(&self.pool)
            .await?;
            let first = rows.first().ok_or_else(|| partitions::unknown(partition))?;
            let upto = convert::stream_id(first.try_get("events_pos")?)?;
            // Without any event there is one row all the same: that of the partition.
            let is_event = first.try_get::<Option<&str>, _>("id")?.is_some();
            let rows = if is_event { rows.as_slice() } else { &[] };
            let events = rows.iter().map(|row| event(row, tenant)).collect::<Result<Vec<_>, _>>()?;
            Ok(History { upto, events })
        })
        .await
    }
}
