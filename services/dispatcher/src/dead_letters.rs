//! Reading the dead letters of all partitions as one list, oldest first.
//!
//! The list is ordered by position and then partition, so a page token that names its last entry tells every partition
//! where to go on.

use std::{collections::VecDeque, str::FromStr};

use futures::future::try_join_all;
use prost::Message as _;
use tributary_model::{PartitionId, StreamId, TenantId};
use tributary_proto::v1;
use tributary_streams::{Entry, Redis, StreamsError};

/// How many entries of a partition are read at once. An entry may carry an event: some are large.
const CHUNK: usize = 32;
/// How many entries one call looks at, whoever owns them, before it answers with what it has.
const LOOKED_AT: usize = 10_000;
/// How many bytes a page has at most, unless its only letter is larger: less than a message may have.
const PAGE_BYTES: usize = 3 * 1024 * 1024;

/// Where in the list an entry lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    id: StreamId,
    partition: PartitionId,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.partition.0, self.id)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (partition, id) = text.split_once(':').ok_or(())?;
        let place = Self {
            id: id.parse().map_err(|_| ())?,
            partition: PartitionId(partition.parse().map_err(|_| ())?),
        };
        Ok(place)
    }
}

/// A page of the list.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) letters: Vec<v1::DeadLetter>,
    /// Where to go on; `None` at the end.
    pub(crate) next: Option<Place>,
}

/// A tenant's dead letters after `after`, up to `size` of them; fewer where others' lie in between or they are large.
pub(crate) async fn list(
    redis: &Redis,
    partitions: u16,
    tenant: &TenantId,
    after: Option<Place>,
    size: usize,
) -> Result<Page, StreamsError> {
    let mut cursors: Vec<Cursor> = (0..partitions).map(|p| Cursor::new(PartitionId(p), after)).collect();
    let mut page = Page::default();
    let mut bytes = 0;
    for looked_at in 0.. {
        try_join_all(cursors.iter_mut().map(|cursor| cursor.fill(redis))).await?;
        let oldest = cursors
            .iter_mut()
            .filter_map(|cursor| Some((cursor.place()?, cursor)))
            .min_by_key(|(place, _)| *place);
        let Some((place, cursor)) = oldest else {
            page.next = None;
            break;
        };
        if page.letters.len() >= size || looked_at >= LOOKED_AT {
            break;
        }
        let Some(entry) = cursor.read.pop_front() else { break };
        if entry.tenant == tenant.as_str() {
            let letter = letter(place, &entry);
            bytes += letter.encoded_len();
            if bytes > PAGE_BYTES && !page.letters.is_empty() {
                break;
            }
            page.letters.push(letter);
        }
        page.next = Some(place);
    }
    Ok(page)
}

/// One partition's part of the list, read as far as needed.
struct Cursor {
    partition: PartitionId,
    position: StreamId,
    read: VecDeque<Entry>,
    at_end: bool,
}

impl Cursor {
    fn new(partition: PartitionId, after: Option<Place>) -> Self {
        let position = match after {
            None => StreamId::default(),
            // Of the same position, the partitions up to the token's were on the page before.
            Some(after) if partition <= after.partition => after.id,
            Some(after) => before(after.id),
        };
        Self { partition, position, read: VecDeque::new(), at_end: false }
    }

    async fn fill(&mut self, redis: &Redis) -> Result<(), StreamsError> {
        if !self.read.is_empty() || self.at_end {
            return Ok(());
        }
        let entries = redis.dead_letters(self.partition, self.position, CHUNK).await?;
        self.at_end = entries.len() < CHUNK;
        if let Some(last) = entries.last() {
            self.position = last.id;
        }
        self.read = entries.into();
        Ok(())
    }

    fn place(&self) -> Option<Place> {
        self.read.front().map(|entry| Place { id: entry.id, partition: self.partition })
    }
}

/// The position right before another one.
fn before(id: StreamId) -> StreamId {
    match (id.ms, id.seq) {
        (0, 0) => id,
        (ms, 0) => StreamId::new(ms - 1, u64::MAX),
        (ms, seq) => StreamId::new(ms, seq - 1),
    }
}

fn letter(place: Place, entry: &Entry) -> v1::DeadLetter {
    let letter = v1::DeadLetter::decode(entry.data.as_slice()).unwrap_or_else(|_| v1::DeadLetter {
        tenant: entry.tenant.clone(),
        reason: "UNREADABLE".to_owned(),
        message: "the entry is not a dead letter; it is here as it was found".to_owned(),
        data: entry.data.clone().into(),
        ..v1::DeadLetter::default()
    });
    v1::DeadLetter { id: place.to_string(), ..letter }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(partition: u16, ms: u64, seq: u64) -> Place {
        Place { partition: PartitionId(partition), id: StreamId::new(ms, seq) }
    }

    #[test]
    fn a_token_is_read_as_it_was_written_and_nothing_else_is_one() {
        let token = place(31, 1_700_000_000_000, 4);
        assert_eq!(token.to_string().parse(), Ok(token));
        for odd in ["", "1", "1:", ":1-0", "x:1-0", "1:1", "70000:1-0", "-1:1-0"] {
            assert!(odd.parse::<Place>().is_err(), "{odd}");
        }
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_shown_and_not_skipped() {
        let entry = Entry { tenant: "t".into(), data: vec![0xff, 0xff], ..Entry::default() };
        let shown = letter(place(2, 5, 0), &entry);
        assert_eq!((shown.id.as_str(), shown.reason.as_str()), ("2:5-0", "UNREADABLE"));
        assert_eq!(shown.data, entry.data);
    }

    proptest! {
        #[test]
        fn after_a_token_every_partition_goes_on_with_exactly_what_the_list_has_behind_it(
            token in (0_u16..4, 0_u64..3, 0_u64..3),
            entry in (0_u16..4, 0_u64..3, 0_u64..3),
        ) {
            let token = place(token.0, token.1, token.2);
            let entry = place(entry.0, entry.1, entry.2);
            // Entries of streams begin at 0-1.
            prop_assume!(entry.id > StreamId::default() && token.id > StreamId::default());
            let is_read = entry.id > Cursor::new(entry.partition, Some(token)).position;
            prop_assert_eq!(is_read, entry > token);
        }
    }
}
