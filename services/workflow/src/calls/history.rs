//! What the profile did: what Postgres holds, and what the stream has behind it.
//!
//! Entries are read before rows. What the collector trims in between is stored by then, and rows say up to where they are
//! complete: so nothing falls between the two and nothing is told twice.

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message as _;
use tokio::time::sleep;
use tributary_engine::{CallError, HistoryQuery, MAX_HISTORY, PastEvent};
use tributary_model::{StreamId, Time};
use tributary_proto::convert::time_from_wire;
use tributary_proto::v1;
use tributary_storage::{Asked, Happened, History, Storage, StorageError};
use tributary_streams::{Entry, Redis, Stream, StreamsError};

use super::{Asker, failure};

/// Properties of so many bytes are read for all questions that a run asks at one time: they are held together until it goes on.
pub(super) const ROOM: usize = 8 * 1024 * 1024;

/// So many entries of the partition are looked through for one profile; with more of them, the collector is waited for.
const MOST_ENTRIES: usize = 5_000;
/// So many of them are held at a time, everybody's: each may have as much as a profile's whole event.
const PAGE: usize = 50;
/// The pause before it is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// Where an event lies among those of its profile.
type Place = (Time, StreamId);

/// Why the past is not told.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error("the collector is too far behind")]
    Behind,
    #[error(transparent)]
    Streams(#[from] StreamsError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("it is too large")]
    TooLarge,
}

/// Exactly the events of the profile that are asked for, up to and including the asker's own, oldest first. Tries until
/// whoever asks has no time left. What they take is taken out of `room`.
///
/// # Errors
/// `TOO_MANY_EVENTS`, `TOO_LARGE`.
pub(super) async fn read(
    redis: &Redis,
    storage: &Storage,
    asker: &Asker<'_>,
    query: &HistoryQuery,
    room: &mut usize,
) -> Result<Vec<PastEvent>, CallError> {
    let limit = query.limit.clamp(1, MAX_HISTORY);
    let Newest { events, bytes, .. } = loop {
        match attempt(redis, storage, asker, query, limit, *room).await {
            Ok(events) => break events,
            Err(Untold::TooLarge) => return Err(failure::too_much_past(ROOM)),
            Err(reason) => tracing::debug!(partition = asker.partition.0, %reason, "a history waits"),
        }
        sleep(PAUSE).await;
    };
    // Whoever asks for the most that can be asked for wants all of them.
    if events.len() > limit && limit == MAX_HISTORY {
        return Err(failure::too_many_events(MAX_HISTORY));
    }
    *room = room.saturating_sub(bytes);
    let older = events.len().saturating_sub(limit);
    Ok(events.into_values().skip(older).map(|(event, _)| event).collect())
}

/// The newest `limit + 1` of all that is asked for.
async fn attempt(
    redis: &Redis,
    storage: &Storage,
    asker: &Asker<'_>,
    query: &HistoryQuery,
    limit: usize,
    room: usize,
) -> Result<Newest, Untold> {
    let stored = async |limit: usize| -> Result<History, StorageError> {
        let limit = u16::try_from(limit).unwrap_or(u16::MAX);
        let (types, since, properties) = (&query.types, query.since, query.properties);
        let asked = Asked { types, since, position: asker.position, limit, properties, bytes: room };
        storage.history(asker.tenant, asker.profile, asker.partition, &asked).await
    };
    let from = stored(0).await?.upto;
    let mut newest = Newest::new(limit + 1, room);
    entries(redis, asker, query, from, &mut newest).await?;
    let stored = stored(limit + 1).await?;
    newest.without(stored.upto);
    for row in stored.events {
        newest.add(of_row(row))?;
    }
    newest.take(stored.bytes)?;
    Ok(newest)
}

/// The newest events, not more than are needed at any time.
struct Newest {
    most: usize,
    room: usize,
    /// Each with what its properties take.
    events: BTreeMap<Place, (PastEvent, usize)>,
    bytes: usize,
}

impl Newest {
    fn new(most: usize, room: usize) -> Self {
        Self { most, room, events: BTreeMap::new(), bytes: 0 }
    }

    fn add(&mut self, (place, event, bytes): (Place, PastEvent, usize)) -> Result<(), Untold> {
        self.events.insert(place, (event, bytes));
        self.take(bytes)?;
        if self.events.len() > self.most
            && let Some((_, (_, bytes))) = self.events.pop_first()
        {
            self.bytes -= bytes;
        }
        Ok(())
    }

    fn take(&mut self, bytes: usize) -> Result<(), Untold> {
        self.bytes += bytes;
        if self.bytes > self.room { Err(Untold::TooLarge) } else { Ok(()) }
    }

    /// Leaves out what lies up to there.
    fn without(&mut self, upto: StreamId) {
        let Self { events, bytes, .. } = self;
        events.retain(|(_, entry), (_, size)| {
            let stays = *entry > upto;
            *bytes -= if stays { 0 } else { *size };
            stays
        });
    }
}

/// Adds the profile's entries behind `from`, up to the asker's own.
async fn entries(
    redis: &Redis,
    asker: &Asker<'_>,
    query: &HistoryQuery,
    from: StreamId,
    newest: &mut Newest,
) -> Result<(), Untold> {
    let (mut position, mut seen) = (from, 0);
    while position < asker.position {
        let page = redis.tail(asker.partition, Stream::Events, position, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.id;
        seen += page.len();
        let is_own = |entry: &&Entry| {
            entry.id <= asker.position
                && entry.tenant == asker.tenant.as_str()
                && entry.profile == asker.profile.as_str()
        };
        for event in page.iter().filter(is_own).filter_map(|entry| past_event(entry, query)) {
            newest.add(event)?;
        }
        if seen > MOST_ENTRIES {
            return Err(Untold::Behind);
        }
    }
    Ok(())
}

/// The event of an entry, where it is asked for, and what its properties take.
fn past_event(entry: &Entry, query: &HistoryQuery) -> Option<(Place, PastEvent, usize)> {
    let event = v1::Event::decode(entry.data.as_slice()).ok()?;
    let time = time_from_wire(event.time.as_ref()?, "time").ok()?;
    let is_wanted = query.types.is_empty() || query.types.contains(&event.r#type);
    if event.invalid || !is_wanted || time < query.since {
        return None;
    }
    let properties = event.properties.filter(|_| query.properties).unwrap_or_default();
    let (properties, bytes) = (properties.to_object().ok()?, properties.len());
    Some(((time, entry.id), PastEvent { id: event.id, event_type: event.r#type, time, properties }, bytes))
}

/// The event of a row. What its properties take is counted with all others'.
fn of_row(row: Happened) -> (Place, PastEvent, usize) {
    let Happened { id, event_type, time, properties, entry } = row;
    ((time, entry), PastEvent { id: id.to_string(), event_type, time, properties }, 0)
}

#[cfg(test)]
pub(super) mod tests;
