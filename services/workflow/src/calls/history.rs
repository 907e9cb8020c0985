//! What the profile did: what Postgres holds, and what the stream has behind it.
//!
//! Entries are read before rows. What the collector trims in between is stored by then, and rows say up to where they are
//! complete: so nothing falls between the two and nothing is told twice.

use std::time::Duration;

use prost::Message as _;
use tokio::time::sleep;
use tributary_engine::{CallError, HistoryQuery, MAX_HISTORY, PastEvent};
use tributary_model::{StreamId, Time};
use tributary_proto::convert::time_from_wire;
use tributary_proto::raw::RawStruct;
use tributary_proto::v1;
use tributary_storage::{Asked, EventRow, History, Storage, StorageError};
use tributary_streams::{Entry, Redis, Stream, StreamsError};

use super::{Asker, failure};

/// So many entries of the partition are looked through for one profile; with more of them, the collector is waited for.
const MOST_ENTRIES: usize = 5_000;
const PAGE: usize = 500;
/// The pause before it is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// An event with its place among those of its profile.
type Placed = ((Time, StreamId), PastEvent);

/// Why the past is not told yet.
#[derive(Debug, thiserror::Error)]
enum NotYet {
    #[error("the collector is too far behind")]
    Behind,
    #[error(transparent)]
    Streams(#[from] StreamsError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Exactly the events of the profile that are asked for, up to and including the asker's own, oldest first. Tries until
/// whoever asks has no time left.
///
/// # Errors
/// `TOO_MANY_EVENTS`.
pub(super) async fn read(
    redis: &Redis,
    storage: &Storage,
    asker: &Asker<'_>,
    query: &HistoryQuery,
) -> Result<Vec<PastEvent>, CallError> {
    let limit = query.limit.clamp(1, MAX_HISTORY);
    let mut events = loop {
        match attempt(redis, storage, asker, query, limit).await {
            Ok(events) => break events,
            Err(reason) => tracing::debug!(partition = asker.partition.0, %reason, "a history waits"),
        }
        sleep(PAUSE).await;
    };
    // Whoever asks for the most that can be asked for wants all of them.
    if events.len() > limit && limit == MAX_HISTORY {
        return Err(failure::too_many_events(MAX_HISTORY));
    }
    events.sort_by_key(|(place, _)| *place);
    let older = events.len().saturating_sub(limit);
    Ok(events.into_iter().skip(older).map(|(_, event)| event).collect())
}

/// All that is asked for, among the newest `limit + 1` that are stored and those that are not, in any order.
async fn attempt(
    redis: &Redis,
    storage: &Storage,
    asker: &Asker<'_>,
    query: &HistoryQuery,
    limit: usize,
) -> Result<Vec<Placed>, NotYet> {
    let stored = async |limit: usize| -> Result<History, StorageError> {
        let limit = u16::try_from(limit).unwrap_or(u16::MAX);
        let asked = Asked { types: &query.types, since: query.since, position: asker.position, limit };
        storage.history(asker.tenant, asker.profile, asker.partition, &asked).await
    };
    let from = stored(0).await?.upto;
    let entries = entries(redis, asker, from).await?;
    let stored = stored(limit + 1).await?;
    let later = entries.iter().filter(|entry| entry.id > stored.upto);
    let later = later.filter_map(|entry| past_event(entry, query));
    Ok(stored.events.into_iter().map(of_row).chain(later).collect())
}

/// The profile's entries behind `from`, up to the asker's own.
async fn entries(redis: &Redis, asker: &Asker<'_>, from: StreamId) -> Result<Vec<Entry>, NotYet> {
    let (mut position, mut seen, mut own) = (from, 0, Vec::new());
    while position < asker.position {
        let page = redis.tail(asker.partition, Stream::Events, position, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.id;
        seen += page.len();
        let is_own = |entry: &Entry| {
            entry.id <= asker.position
                && entry.tenant == asker.tenant.as_str()
                && entry.profile == asker.profile.as_str()
        };
        own.extend(page.into_iter().filter(is_own));
        if seen > MOST_ENTRIES {
            return Err(NotYet::Behind);
        }
    }
    Ok(own)
}

/// The event of an entry, where it is asked for.
fn past_event(entry: &Entry, query: &HistoryQuery) -> Option<Placed> {
    let event = v1::Event::decode(entry.data.as_slice()).ok()?;
    let time = time_from_wire(event.time.as_ref()?, "time").ok()?;
    let is_wanted = query.types.is_empty() || query.types.contains(&event.r#type);
    if event.invalid || !is_wanted || time < query.since {
        return None;
    }
    let properties = event.properties.as_ref().map(RawStruct::to_object).transpose().ok()?;
    let properties = properties.unwrap_or_default();
    Some(((time, entry.id), PastEvent { id: event.id, event_type: event.r#type, time, properties }))
}

fn of_row(row: EventRow) -> Placed {
    let EventRow { id, event_type, time, properties, entry, .. } = row;
    ((time, entry), PastEvent { id: id.to_string(), event_type, time, properties })
}

#[cfg(test)]
pub(super) mod tests;
