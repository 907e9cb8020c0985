//! What comes into lanes, and how it waits there: mostly as an id alone, fetched again when its turn comes.

use tributary_model::{PartitionId, StreamId};
use tributary_streams::{Entry, Handed, Redis, Stream, StreamsError, timer_parts};

/// Whose entries and timers keep their order: a tenant's profile.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Lane(String, String);

impl Lane {
    pub(super) fn tenant(&self) -> &str {
        &self.0
    }
}

/// What comes into a lane.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "entries are what comes; a timer more or less in memory is nothing"
)]
pub(super) enum Item {
    /// An entry of the stream.
    Entry(Handed),
    /// A timer that is due, by its id.
    Timer(String),
}

impl Item {
    pub(super) fn lane(&self) -> Lane {
        match self {
            Self::Entry(handed) => Lane(handed.entry.tenant.clone(), handed.entry.profile.clone()),
            Self::Timer(id) => lane_of(id),
        }
    }
}

/// The lane of a timer.
fn lane_of(timer: &str) -> Lane {
    let parts = timer_parts(timer).unwrap_or_default();
    match parts.as_slice() {
        [_, tenant, profile, ..] => Lane(tenant.clone(), profile.clone()),
        // Nobody's: it is given up on, beside everyone.
        _ => Lane(String::new(), timer.to_owned()),
    }
}

/// An item that waits. A whole stream may wait so: it is small.
#[derive(Debug)]
pub(super) enum Waiting {
    /// With its data.
    Whole(Box<Handed>),
    /// Which one it is, and how often it was handed out.
    Id(StreamId, u32),
    Timer(Box<str>),
}

impl Waiting {
    pub(super) fn whole(item: Item) -> Self {
        match item {
            Item::Entry(handed) => Self::Whole(Box::new(handed)),
            Item::Timer(id) => Self::Timer(id.into()),
        }
    }

    /// Without its data.
    pub(super) fn bare(item: Item) -> Self {
        match item {
            Item::Entry(handed) => {
                Self::Id(handed.entry.id, u32::try_from(handed.deliveries).unwrap_or(u32::MAX))
            }
            Item::Timer(id) => Self::Timer(id.into()),
        }
    }

    pub(super) fn is_timer(&self) -> bool {
        matches!(self, Self::Timer(_))
    }

    pub(super) fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }

    /// With its data. An entry that was trimmed meanwhile says so; all that is known of it is its `tenant` and `profile`.
    async fn fetched(
        self,
        redis: &Redis,
        p: PartitionId,
        stream: Stream,
        (tenant, profile): (&str, &str),
    ) -> Result<Item, StreamsError> {
        let (id, deliveries) = match self {
            Self::Timer(id) => return Ok(Item::Timer(id.into())),
            Self::Whole(handed) => return Ok(Item::Entry(*handed)),
            Self::Id(id, deliveries) => (id, deliveries),
        };
        let entry = redis.entry(p, stream, id).await?.unwrap_or_else(|| Entry {
            id,
            tenant: tenant.to_owned(),
            profile: profile.to_owned(),
            lost: true,
            ..Entry::default()
        });
        Ok(Item::Entry(Handed { entry, deliveries: deliveries.into() }))
    }
}

/// Something whose turn it is in its lane.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) lane: Lane,
    pub(super) item: Waiting,
}

impl Queued {
    pub(super) async fn fetched(
        self,
        redis: &Redis,
        p: PartitionId,
        stream: Stream,
    ) -> Result<Item, StreamsError> {
        let Self { lane: Lane(tenant, profile), item } = self;
        item.fetched(redis, p, stream, (&tenant, &profile)).await
    }
}

/// Something that was put off before its lane was begun, and whose turn it is in its tenant's line.
#[derive(Debug)]
pub(super) struct PutOff {
    pub(super) tenant: String,
    pub(super) item: Waiting,
}

impl PutOff {
    pub(super) async fn fetched(
        self,
        redis: &Redis,
        p: PartitionId,
        stream: Stream,
    ) -> Result<Item, StreamsError> {
        self.item.fetched(redis, p, stream, (&self.tenant, "")).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_that_wait_take_no_more_than_twenty_four_megabytes() {
        assert!(size_of::<Waiting>() <= 24);
    }
}
