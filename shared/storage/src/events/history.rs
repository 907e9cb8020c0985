//! What lately happened to one profile, as of an exact position of its partition's events.

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use serde_json::{Map, Value};
use sqlx::{Row as _, postgres::PgRow, types::Json};
use tributary_model::{EventId, PartitionId, ProfileId, StreamId, TenantId, Time};

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
    pub events: Vec<Happened>,
    /// What their properties take together, as JSON. Where that is more than what was asked for, reading ended there: older
    /// events are not among them.
    pub bytes: usize,
}

/// An event of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    /// Its id.
    pub id: EventId,
    /// What happened.
    pub event_type: String,
    /// When.
    pub time: Time,
    /// Its place in the partition's stream.
    pub entry: StreamId,
    /// What was said about it; empty where that was not asked for.
    pub properties: Map<String, Value>,
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
    /// Whether their properties are needed, which may be large.
    pub properties: bool,
    /// So many bytes of properties, as JSON, are read; and the one more event with which it is noticed that there are more.
    pub bytes: usize,
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
        let Asked { types, since, position, limit, properties, bytes: most } = *asked;
        within(async {
            // A row at a time: all of them together could be hundreds of megabytes.
            let mut rows = sqlx::query(
                "SELECT here.events_pos, event.id, event.type, event.time, event.entry, \
                 CASE WHEN $8 THEN event.properties END AS properties \
                 FROM partitions AS here LEFT JOIN LATERAL (\
                     SELECT * FROM events WHERE tenant = $2 AND profile_id = $3 AND time >= $4 \
                     AND entry <= $7 AND NOT invalid AND ($5::text[] IS NULL OR type = ANY ($5)) \
                     ORDER BY time DESC, entry DESC LIMIT $6\
                 ) AS event ON true WHERE here.p = $1 ORDER BY event.time DESC, event.entry DESC",
            )
            .bind(partitions::number(partition))
            .bind(tenant.as_str())
            .bind(profile.as_str())
            .bind(convert::timestamp(since)?)
            .bind((!types.is_empty()).then_some(types))
            .bind(i64::from(limit))
            .bind(position.min(LAST).sortable())
            .bind(properties)
            .fetch(&self.pool);
            let (mut upto, mut events, mut bytes) = (None, Vec::new(), 0);
            while let Some(row) = rows.try_next().await? {
                upto = Some(convert::stream_id(row.try_get("events_pos")?)?);
                // Without any event there is one row all the same: that of the partition.
                if row.try_get::<Option<&str>, _>("id")?.is_none() {
                    break;
                }
                bytes += row.try_get_raw("properties")?.as_bytes().map_or(0, <[u8]>::len);
                events.push(happened(&row)?);
                if bytes > most {
                    break;
                }
            }
            let upto = upto.ok_or_else(|| partitions::unknown(partition))?;
            Ok(History { upto, events, bytes })
        })
        .await
    }
}

fn happened(row: &PgRow) -> Result<Happened, StorageError> {
    let properties = row.try_get::<Option<Json<Map<String, Value>>>, _>("properties")?;
    Ok(Happened {
        id: convert::id(EventId::new(row.try_get::<&str, _>("id")?))?,
        event_type: row.try_get("type")?,
        time: convert::time(row.try_get::<DateTime<Utc>, _>("time")?),
        entry: convert::stream_id(row.try_get("entry")?)?,
        properties: properties.map(|properties| properties.0).unwrap_or_default(),
    })
}
