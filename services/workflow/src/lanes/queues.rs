//! What waits behind what: pure, but for fetching an entry again whose data was not kept.

use std::collections::hash_map::Entry as Place;
use std::collections::{HashMap, VecDeque};
use tributary_model::PartitionId;
use tributary_streams::{Handed, Redis, Stream, StreamsError, timer_parts};

/// Entries of one lane that keep their data in memory; those behind them are ids, fetched when their turn comes.
const KEPT: usize = 4;
/// Entries of a partition that wait as ids, for each lane that may run.
const IDS: usize = 256;

/// Whose entries and timers keep their order: a tenant's profile.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Lane(String, String);

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
    fn lane(&self) -> Lane {
        match self {
            Self::Entry(handed) => Lane(handed.entry.tenant.clone(), handed.entry.profile.clone()),
            Self::Timer(id) => {
                let parts = timer_parts(id).unwrap_or_default();
                match parts.as_slice() {
                    [_, tenant, profile, ..] => Lane(tenant.clone(), profile.clone()),
                    // Nobody's: it is given up on, beside everyone.
                    _ => Lane(String::new(), id.clone()),
                }
            }
        }
    }
}

/// Something in its lane.
#[derive(Debug)]
pub(super) struct Queued {
    lane: Lane,
    item: Item,
    /// Its data has been dropped.
    bare: bool,
}

impl Queued {
    pub(super) fn lane(&self) -> &Lane {
        &self.lane
    }

    /// An entry with its data. One that was trimmed meanwhile says so.
    pub(super) async fn fetched(
        self,
        redis: &Redis,
        p: PartitionId,
        stream: Stream,
    ) -> Result<Item, StreamsError> {
        let Self { mut item, bare, .. } = self;
        if let Item::Entry(handed) = &mut item
            && bare
        {
            match redis.entry(p, stream, handed.entry.id).await? {
                Some(entry) => handed.entry = entry,
                None => handed.entry.lost = true,
            }
        }
        Ok(item)
    }
}

/// What waits behind what runs. A lane is here exactly while something of it runs.
pub(super) struct Queues {
    waiting: HashMap<Lane, VecDeque<Queued>>,
    queued: usize,
    most: usize,
}

impl Queues {
    /// Room for `most` lanes.
    pub(super) fn new(most: usize) -> Self {
        Self { waiting: HashMap::new(), queued: 0, most }
    }

    /// Whether more may be read, while so many `timers` are in lanes: they take no room of the stream's.
    pub(super) fn have_room(&self, timers: usize) -> bool {
        self.waiting.len() < self.most + timers && self.queued < self.most * IDS
    }

    /// Queues an item; gives it back if nothing of its lane runs, so that it can.
    pub(super) fn join(&mut self, item: Item) -> Option<Queued> {
        let mut queued = Queued { lane: item.lane(), item, bare: false };
        match self.waiting.entry(queued.lane.clone()) {
            Place::Vacant(lane) => {
                lane.insert(VecDeque::new());
                Some(queued)
            }
            Place::Occupied(mut lane) => {
                if let Item::Entry(Handed { entry, .. }) = &mut queued.item
                    && lane.get().len() >= KEPT
                    && !entry.lost
                {
                    entry.data = Vec::new();
                    queued.bare = true;
                }
                lane.get_mut().push_back(queued);
                self.queued += 1;
                None
            }
        }
    }

    /// Something of the lane is done: the next one, if there is one. While the partition is `stopping` none is: the one
    /// before may have been left unfinished.
    pub(super) fn advance(&mut self, lane: &Lane, stopping: bool) -> Option<Queued> {
        if stopping {
            return None;
        }
        let next = self.waiting.get_mut(lane).and_then(VecDeque::pop_front);
        match &next {
            Some(_) => self.queued -= 1,
            None => drop(self.waiting.remove(lane)),
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_model::{StreamId, TenantId};
    use tributary_streams::{Entry, timer_id};

    fn handed(profile: &str, seq: u64) -> Item {
        let entry = Entry {
            id: StreamId::new(1, seq),
            tenant: "t".to_owned(),
            profile: profile.to_owned(),
            data: vec![1],
            ..Entry::default()
        };
        Item::Entry(Handed { entry, deliveries: 1 })
    }

    fn timer(profile: &str) -> Item {
        let tenant = TenantId::new("t").unwrap();
        Item::Timer(timer_id("workflow", &tenant, &[profile, "e", "basket", "1"]))
    }

    fn place(queued: &Queued) -> Option<StreamId> {
        match &queued.item {
            Item::Entry(handed) => Some(handed.entry.id),
            Item::Timer(_) => None,
        }
    }

    #[test]
    fn one_entry_of_a_profile_runs_at_a_time_and_in_order() {
        let mut queues = Queues::new(10);
        let first = queues.join(handed("a", 1)).unwrap();
        assert!(queues.join(handed("a", 2)).is_none());
        assert!(queues.join(handed("b", 3)).is_some(), "another profile does not wait");
        assert_eq!(place(&queues.advance(first.lane(), false).unwrap()), Some(StreamId::new(1, 2)));
        assert!(queues.advance(first.lane(), false).is_none());
        assert!(queues.join(handed("a", 4)).is_some(), "an empty lane is free again");
    }

    #[test]
    fn a_due_timer_waits_behind_the_events_of_its_profile_and_behind_no_others() {
        let mut queues = Queues::new(10);
        let first = queues.join(handed("a:1", 1)).unwrap();
        queues.join(handed("a:1", 2));
        assert!(queues.join(timer("a:1")).is_none());
        assert!(queues.join(timer("b")).is_some());
        assert_eq!(place(&queues.advance(first.lane(), false).unwrap()), Some(StreamId::new(1, 2)));
        assert_eq!(place(&queues.advance(first.lane(), false).unwrap()), None);
    }

    #[test]
    fn nothing_follows_an_entry_that_was_left_unfinished() {
        let mut queues = Queues::new(10);
        let first = queues.join(handed("a", 1)).unwrap();
        queues.join(handed("a", 2));
        assert!(queues.advance(first.lane(), true).is_none());
    }

    #[test]
    fn a_profile_that_waits_takes_ids_and_leaves_the_others_their_room() {
        let mut queues = Queues::new(2);
        queues.join(handed("a", 0));
        for seq in 1..200 {
            assert!(queues.have_room(0));
            queues.join(handed("a", seq));
        }
        let with_data = queues.waiting.values().flatten().filter(|queued| !queued.bare).count();
        assert_eq!(with_data, KEPT);
        assert!(queues.join(handed("b", 200)).is_some());
        assert!(!queues.have_room(0), "two lanes are there");
        queues.join(timer("c"));
        assert!(!queues.have_room(1));
        assert!(queues.have_room(2), "one of the three may be a timer's");
    }
}
