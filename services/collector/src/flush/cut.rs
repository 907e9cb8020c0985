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

/// Reads about `limit` changes and their events; `None` if there is nothing new.
pub(crate) async fn read(
    redis: &Redis,
    partition: PartitionId,
    positions: &Positions,
    limit: usize,
) -> Result<Option<Reading>, StreamsError> {
    let mut limit = limit.max(2);
    let (changes, full) = loop {
        let mut changes = redis.tail(partition, Stream::Changes, positions.changes, limit).await?;
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
    let Some(cut) = changes.last().map(|entry| entry.id) else { return Ok(None) };
    let events = events_up_to(redis, partition, positions.events, cut, changes.len()).await?;
    Ok(Some(Reading { changes, events, cut, full }))
}

/// The events whose changes are all read. They come in the order of their changes, since both are appended together.
async fn events_up_to(
    redis: &Redis,
    partition: PartitionId,
    mut after: StreamId,
    cut: StreamId,
    limit: usize,
) -> Result<Vec<Entry>, StreamsError> {
    let mut events = Vec::new();
    loop {
        let page = redis.tail(partition, Stream::Events, after, limit).await?;
        let (whole, before) = (page.len(), events.len());
        events.extend(page.into_iter().take_while(|event| event.change <= cut));
        let taken = events.len() - before;
        if taken < whole || whole < limit {
            return Ok(events);
        }
        after = events.last().map_or(after, |event: &Entry| event.id);
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
