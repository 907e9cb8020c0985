//! What waits behind what: pure, but for fetching an entry again whose data was not kept.

use std::collections::hash_map::Entry as Place;
use std::collections::{HashMap, VecDeque};
use tributary_model::PartitionId;
use tributary_streams::{Handed, Redis, Stream, StreamsError};

/// Entries of one lane that keep their data in memory; those behind them are ids, fetched when their turn comes.
const KEPT: usize = 4;
/// Entries of a partition that wait as ids, for each lane that may run.
const IDS: usize = 256;

/// Whose entries keep their order: a tenant's profile.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Lane(String, String);

/// An entry in its lane.
#[derive(Debug)]
pub(super) struct Queued {
    handed: Handed,
    /// Its data has been dropped.
    bare: bool,
}

impl Queued {
    pub(super) fn lane(&self) -> Lane {
        Lane(self.handed.entry.tenant.clone(), self.handed.entry.profile.clone())
    }

    /// The entry with its data. One that was trimmed meanwhile says so.
    pub(super) async fn fetched(
        self,
        redis: &Redis,
        p: PartitionId,
        stream: Stream,
    ) -> Result<Handed, StreamsError> {
        let Self { mut handed, bare } = self;
        if bare {
            match redis.entry(p, stream, handed.entry.id).await? {
                Some(entry) => handed.entry = entry,
                None => handed.entry.lost = true,
            }
        }
        Ok(handed)
    }
}

/// The entries that wait behind the one that runs. A lane is here exactly while one of its entries runs.
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

    /// Whether more may be read.
    pub(super) fn have_room(&self) -> bool {
        self.waiting.len() < self.most && self.queued < self.most * IDS
    }

    /// Queues an entry; gives it back if nothing of its lane runs, so that it can.
    pub(super) fn join(&mut self, handed: Handed) -> Option<Queued> {
        let mut queued = Queued { handed, bare: false };
        match self.waiting.entry(queued.lane()) {
            Place::Vacant(lane) => {
                lane.insert(VecDeque::new());
                Some(queued)
            }
            Place::Occupied(mut lane) => {
                if lane.get().len() >= KEPT && !queued.handed.entry.lost {
                    queued.handed.entry.data = Vec::new();
                    queued.bare = true;
                }
                lane.get_mut().push_back(queued);
                self.queued += 1;
                None
            }
        }
    }

    /// An entry of the lane is done: the next one, if there is one. While the partition is `stopping` none is: the one
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
    use tributary_model::StreamId;
    use tributary_streams::Entry;

    fn handed(profile: &str, seq: u64) -> Handed {
        let entry = Entry {
            id: StreamId::new(1, seq),
            profile: profile.to_owned(),
            data: vec![1],
            ..Entry::default()
        };
        Handed { entry, deliveries: 1 }
    }

    #[test]
    fn one_entry_of_a_profile_runs_at_a_time_and_in_order() {
        let mut queues = Queues::new(10);
        let first = queues.join(handed("a", 1)).unwrap();
        assert!(queues.join(handed("a", 2)).is_none());
        assert!(queues.join(handed("b", 3)).is_some(), "another profile does not wait");
        assert_eq!(queues.advance(&first.lane(), false).unwrap().handed.entry.id, StreamId::new(1, 2));
        assert!(queues.advance(&first.lane(), false).is_none());
        assert!(queues.join(handed("a", 4)).is_some(), "an empty lane is free again");
    }

    #[test]
    fn nothing_follows_an_entry_that_was_left_unfinished() {
        let mut queues = Queues::new(10);
        let first = queues.join(handed("a", 1)).unwrap();
        queues.join(handed("a", 2));
        assert!(queues.advance(&first.lane(), true).is_none());
    }

    #[test]
    fn a_profile_that_waits_takes_ids_and_leaves_the_others_their_room() {
        let mut queues = Queues::new(2);
        queues.join(handed("a", 0));
        for seq in 1..200 {
            assert!(queues.have_room());
            queues.join(handed("a", seq));
        }
        let with_data = queues.waiting.values().flatten().filter(|queued| !queued.bare).count();
        assert_eq!(with_data, KEPT);
        assert!(queues.join(handed("b", 200)).is_some());
        assert!(!queues.have_room(), "two lanes are there");
    }
}
