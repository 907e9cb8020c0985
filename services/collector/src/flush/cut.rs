//! How far one flush reads.
//!
//! The cut never falls between the entries of one cause, and an event is read with its own changes: an event's row and its
//! effects share a transaction, or half an event could outlive a crash.

use tributary_model::{PartitionId, StreamId};
use tributary_storage::Positions;
use tributary_streams::{Entry, Redis, Stream, StreamsError};

/// Entries that belong together.
pub(crate) struct Reading {
    /// Changes up to and including `cut`.
    pub(crate) changes: Vec<Entry>,
    /// The events that caused them.
    pub(crate) events: Vec<Entry>,
    /// The last change read.
    pub(crate) cut: StreamId,
    /// More is waiting.
    pub(crate) full: bool,
}

/// Entries that one command reads: an answer has to come in time, whatever the entries weigh.
const PAGE: usize = 100;
/// Bytes of events that one flush takes; the cut falls behind the event that exceeds them.
const EVENT_BYTES: usize = 32 * 1024 * 1024;

/// Reads about `limit` changes and their events; `None` if there is nothing new.
pub(crate) async fn read(
    redis: &Redis,
    partition: PartitionId,
    positions: &Positions,
    limit: usize,
) -> Result<Option<Reading>, StreamsError> {
    let mut limit = limit.max(2);
    let (mut changes, mut full) = loop {
        let mut changes = pages(redis, partition, Stream::Changes, positions.changes, limit).await?;
        let full = changes.len() >= limit;
        if full {
            leave_last_cause(&mut changes);
        }
        if !changes.is_empty() || !full {
            break (changes, full);
        }
        // One cause alone filled the reading.
        limit *= 2;
    };
    let Some(last) = changes.last().map(|entry| entry.id) else { return Ok(None) };
    let (events, cut) = events_up_to(redis, partition, positions.events, last).await?;
    if cut < last {
        changes.retain(|entry| entry.id <= cut);
        full = true;
    }
    Ok(Some(Reading { changes, events, cut, full }))
}

async fn pages(
    redis: &Redis,
    partition: PartitionId,
    stream: Stream,
    mut after: StreamId,
    limit: usize,
) -> Result<Vec<Entry>, StreamsError> {
    let mut entries: Vec<Entry> = Vec::new();
    while entries.len() < limit {
        let page = redis.tail(partition, stream, after, PAGE.min(limit - entries.len())).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        entries.extend(page);
    }
    Ok(entries)
}

/// The events whose changes are all read, and the cut: where they weigh too much, the last change of the last event taken,
/// which is also the end of its cause. They come in the order of their changes, since both are appended together.
async fn events_up_to(
    redis: &Redis,
    partition: PartitionId,
    mut after: StreamId,
    cut: StreamId,
) -> Result<(Vec<Entry>, StreamId), StreamsError> {
    let mut events: Vec<Entry> = Vec::new();
    let mut bytes = 0;
    loop {
        let page = redis.tail(partition, Stream::Events, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok((events, cut)) };
        after = last.id;
        for event in page {
            if event.change > cut {
                return Ok((events, cut));
            }
            bytes += event.data.len();
            let change = event.change;
            events.push(event);
            if bytes > EVENT_BYTES {
                return Ok((events, change));
            }
        }
    }
}

/// Drops the trailing entries of the last cause: the reading may have cut it in two.
fn leave_last_cause(changes: &mut Vec<Entry>) {
    let Some(last) = changes.last().map(|entry| (entry.tenant.clone(), entry.cause.clone())) else { return };
    while changes.last().is_some_and(|entry| entry.tenant == last.0 && entry.cause == last.1) {
        changes.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(ms: u64, cause: &str) -> Entry {
        Entry { id: StreamId::new(ms, 0), cause: cause.to_owned(), ..Entry::default() }
    }

    #[test]
    fn the_last_cause_is_left_whole_for_the_next_flush() {
        let mut changes = vec![change(1, "a/1"), change(2, "b/1"), change(3, "b/1")];
        leave_last_cause(&mut changes);
        assert_eq!(changes.iter().map(|entry| entry.id.ms).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn an_earlier_entry_of_the_same_cause_stays_where_another_stands_between() {
        let mut changes = vec![change(1, "a/2"), change(2, "b/1"), change(3, "a/2")];
        leave_last_cause(&mut changes);
        assert_eq!(changes.len(), 2);
    }

    #[test]
    fn a_single_cause_leaves_nothing() {
        let mut changes = vec![change(1, "a/1"), change(2, "a/1")];
        leave_last_cause(&mut changes);
        assert!(changes.is_empty());
    }
}
