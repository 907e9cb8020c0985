//! The order of an owned stream: a lane for each profile, one entry of a lane at a time, lanes beside each other
//! (docs/protocol.md §6).

use futures::stream::{FuturesUnordered, StreamExt};
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tributary_model::StreamId;
use tributary_streams::{From, Group, Handed, Held, Redis, StreamsError, Watch};

/// Entries read at once.
const PAGE: usize = 100;
/// The stream is looked at after this time, should no news ever be told.
const LOOK: Duration = Duration::from_secs(1);

/// Reads `group`'s stream and handles its entries until the partition is handed over: first what an earlier owner left
/// unfinished, then what is new. About `most` entries are in hand at once, running or waiting
/// behind others of their profile.
///
/// # Errors
/// The first error of a read or of `handle`: nothing in memory is trusted after one, and the entries are still there.
pub(crate) async fn run<H, F>(
    redis: &Redis,
    watch: &Arc<Watch>,
    held: &Held,
    group: Group,
    most: usize,
    handle: H,
) -> Result<(), StreamsError>
where
    H: Fn(Handed) -> F,
    F: Future<Output = Result<(), StreamsError>>,
{
    let p = held.fence.partition;
    redis.ensure_group(p, group).await?;
    let mut lanes = Lanes { waiting: HashMap::new(), queued: 0 };
    let mut running = FuturesUnordered::new();
    let mut from = From::Pending(StreamId::default());
    // Taken up before the first read: an entry that comes in between is read, or is news.
    let news = watch.watch(p, group.stream(), redis.last_id(&held.fence, group.stream()).await?);

    while !held.stop.is_cancelled() {
        if lanes.queued < most {
            let page = redis.read_group(&held.fence, group, from, PAGE).await?;
            let last = page.last().map(|handed| handed.entry.id);
            let more = !page.is_empty() || matches!(from, From::Pending(_));
            lanes.queued += page.len();
            for handed in page {
                if let Some(first) = lanes.join(handed) {
                    running.push(in_lane(first, &handle));
                }
            }
            from = match (from, last) {
                (From::Pending(_), Some(last)) => From::Pending(last),
                _ => From::New,
            };
            if more {
                continue;
            }
        }
        // Full, or nothing to read: until a lane is done, or there is news.
        tokio::select! {
            () = held.stop.cancelled() => break,
            Some((lane, outcome)) = running.next() => {
                outcome?;
                if let Some(next) = lanes.advance(&lane) {
                    running.push(in_lane(next, &handle));
                }
            }
            () = news.news(LOOK), if lanes.queued < most => {}
        }
    }
    // What runs is finished; what waits is left to the next owner, who reads it as pending.
    while let Some((_, outcome)) = running.next().await {
        outcome?;
    }
    Ok(())
}

async fn in_lane<H, F>(handed: Handed, handle: &H) -> (Lane, Result<(), StreamsError>)
where
    H: Fn(Handed) -> F,
    F: Future<Output = Result<(), StreamsError>>,
{
    let lane = Lane::of(&handed);
    (lane, handle(handed).await)
}

/// Whose entries keep their order: a tenant's profile.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Lane(String, String);

impl Lane {
    fn of(handed: &Handed) -> Self {
        Self(handed.entry.tenant.clone(), handed.entry.profile.clone())
    }
}

/// The entries that wait behind the one that runs. A lane is here exactly while one of its entries runs.
struct Lanes {
    waiting: HashMap<Lane, VecDeque<Handed>>,
    queued: usize,
}

impl Lanes {
    /// Queues an entry; gives it back if nothing of its lane runs, so that it can.
    fn join(&mut self, handed: Handed) -> Option<Handed> {
        match self.waiting.entry(Lane::of(&handed)) {
            std::collections::hash_map::Entry::Vacant(lane) => {
                lane.insert(VecDeque::new());
                Some(handed)
            }
            std::collections::hash_map::Entry::Occupied(mut lane) => {
                lane.get_mut().push_back(handed);
                None
            }
        }
    }

    /// An entry of the lane is done: the next one, if there is one.
    fn advance(&mut self, lane: &Lane) -> Option<Handed> {
        self.queued -= 1;
        let next = self.waiting.get_mut(lane).and_then(VecDeque::pop_front);
        if next.is_none() {
            self.waiting.remove(lane);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_streams::Entry;

    fn handed(profile: &str, seq: u64) -> Handed {
        let entry = Entry { id: StreamId::new(1, seq), profile: profile.to_owned(), ..Entry::default() };
        Handed { entry, deliveries: 1 }
    }

    #[test]
    fn one_entry_of_a_profile_runs_at_a_time_and_in_order() {
        let mut lanes = Lanes { waiting: HashMap::new(), queued: 3 };
        let first = lanes.join(handed("a", 1)).unwrap();
        assert!(lanes.join(handed("a", 2)).is_none());
        assert!(lanes.join(handed("b", 3)).is_some(), "another profile does not wait");
        let lane = Lane::of(&first);
        assert_eq!(lanes.advance(&lane).unwrap().entry.id, StreamId::new(1, 2));
        assert!(lanes.advance(&lane).is_none());
        assert!(lanes.join(handed("a", 4)).is_some(), "an empty lane is free again");
    }
}
