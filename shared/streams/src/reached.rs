//! How far changes have come after their commit: into Postgres, and to the destinations (docs/protocol.md §6, §7).

use crate::connection::Redis;
use crate::{StreamsError, keys};
use std::collections::HashMap;
use std::time::Duration;
use tributary_model::{PartitionId, ProfileId, StreamId, TenantId};

/// What a settlement leaves for those who wait for a delivery.
#[derive(Debug, Clone, Copy)]
pub struct DeliveredMark<'a> {
    /// Who owns the profile.
    pub tenant: &'a TenantId,
    /// Whose delivery it was.
    pub profile: &'a ProfileId,
    /// The destination, or the key of a direct delivery.
    pub name: &'a str,
    /// The version that was delivered, or given up on.
    pub version: StreamId,
    /// How long the profile's marks live on: the dedup window.
    pub life: Duration,
}

/// What a destination was last sent, or was given up on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// The version of the profile.
    pub version: StreamId,
    /// It was given up on.
    pub dead: bool,
}

impl Redis {
    /// The collector's committed position: the changes up to it, and the events that they belong to, are in Postgres. 0-0
    /// where none is known.
    pub async fn stored(&self, p: PartitionId) -> Result<StreamId, StreamsError> {
        let stored: Option<String> =
            redis::cmd("GET").arg(keys::stored(p)).query_async(&mut self.connection()).await?;
        stored.map_or(Ok(StreamId::default()), |stored| crate::reply::id(&stored))
    }

    /// How far deliveries of a profile have come, by destination or by the key of a direct delivery. What is older than the
    /// window, or has more than some two hundred newer ones, is forgotten.
    pub async fn delivered(
        &self,
        p: PartitionId,
        tenant: &TenantId,
        profile: &ProfileId,
    ) -> Result<HashMap<String, Delivered>, StreamsError> {
        let marks: HashMap<String, String> = redis::cmd("HGETALL")
            .arg(keys::delivered(p, tenant, profile))
            .query_async(&mut self.connection())
            .await?;
        marks.into_iter().map(|(name, mark)| Ok((name, parse(&mark)?))).collect()
    }
}

/// `<version> DONE|DEAD <when>`.
fn parse(mark: &str) -> Result<Delivered, StreamsError> {
    let mut words = mark.split(' ');
    let version = crate::reply::id(words.next().unwrap_or_default())?;
    match words.next() {
        Some("DONE") => Ok(Delivered { version, dead: false }),
        Some("DEAD") => Ok(Delivered { version, dead: true }),
        _ => Err(StreamsError::unexpected("a delivery that ended in another way")),
    }
}
