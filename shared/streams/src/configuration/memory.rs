//! What a process has prepared of the configuration: the revision that it runs, and a few that events may still name.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How many prepared revisions are kept beside the one that runs.
const REMEMBERED: usize = 8;
/// How many failures are remembered: as many revisions as Redis keeps.
const FAILURES: usize = 16;
/// What cannot be prepared is tried again after this time: a secret's file may have appeared.
const RETRY: Duration = Duration::from_secs(1);
/// The longest reason that is passed on, in bytes.
const LONGEST_REASON: usize = 2048;

/// Prepared revisions, and those that could not be prepared.
pub(super) struct Memory<T> {
    /// Number and revision that runs; `None` while the process waits for its first.
    current: Option<(u64, Arc<T>)>,
    /// Used last stands last.
    recent: VecDeque<(u64, Arc<T>)>,
    failed: BTreeMap<u64, Failure>,
}

struct Failure {
    reason: String,
    tried: Instant,
}

impl<T> Memory<T> {
    pub(super) fn new() -> Self {
        Self { current: None, recent: VecDeque::new(), failed: BTreeMap::new() }
    }

    pub(super) fn current(&self) -> Option<&Arc<T>> {
        self.current.as_ref().map(|(_, prepared)| prepared)
    }

    /// The number of the revision that runs; 0 for none.
    pub(super) fn number(&self) -> u64 {
        self.current.as_ref().map_or(0, |(number, _)| *number)
    }

    /// A prepared revision.
    pub(super) fn find(&mut self, number: u64) -> Option<Arc<T>> {
        if let Some((running, prepared)) = &self.current
            && *running == number
        {
            return Some(prepared.clone());
        }
        let place = self.recent.iter().position(|(recent, _)| *recent == number)?;
        let found = self.recent.remove(place)?;
        self.recent.push_back(found.clone());
        Some(found.1)
    }

    /// Keeps a prepared revision, without running it.
    pub(super) fn keep(&mut self, number: u64, prepared: Arc<T>) {
        self.failed.remove(&number);
        self.recent.retain(|(recent, _)| *recent != number);
        self.recent.push_back((number, prepared));
        if self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
    }

    /// Runs a revision from now on, if it is newer than the one that runs. False: it is not.
    pub(super) fn run(&mut self, number: u64, prepared: Arc<T>) -> bool {
        if number <= self.number() {
            return false;
        }
        self.failed.remove(&number);
        self.recent.retain(|(recent, _)| *recent != number);
        if let Some((former, prepared)) = self.current.replace((number, prepared)) {
            self.keep(former, prepared);
        }
        true
    }

    /// Remembers why a revision cannot be prepared. True: that is news.
    pub(super) fn fail(&mut self, number: u64, mut reason: String) -> bool {
        reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
        let failure = Failure { reason, tried: Instant::now() };
        let is_news = self.failed.get(&number).is_none_or(|former| former.reason != failure.reason);
        self.failed.insert(number, failure);
        if self.failed.len() > FAILURES {
            self.failed.pop_first();
        }
        is_news
    }

    /// Whether a revision was tried in vain so lately that it is not tried again yet.
    pub(super) fn is_hopeless(&self, number: u64) -> bool {
        self.failed.get(&number).is_some_and(|failure| failure.tried.elapsed() < RETRY)
    }

    /// Why not the newest revision runs, if it could not be prepared.
    pub(super) fn problem(&self) -> Option<String> {
        let (number, failure) = self.failed.last_key_value()?;
        (*number > self.number()).then(|| format!("revision {number}: {}", failure.reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(number: u64) -> Memory<u64> {
        let mut memory = Memory::new();
        memory.run(number, Arc::new(number));
        memory
    }

    #[test]
    fn it_goes_only_forward() {
        let mut memory = running(5);
        assert!(!memory.run(5, Arc::new(50)) && !memory.run(4, Arc::new(4)));
        assert_eq!((memory.number(), memory.current().map(|five| **five)), (5, Some(5)));
        assert!(memory.run(7, Arc::new(7)));
        assert_eq!(memory.find(5).as_deref(), Some(&5), "what ran before is still known");
    }

    #[test]
    fn the_least_used_go_first_and_the_running_one_never() {
        let mut memory = running(100);
        (1..=8).for_each(|number| memory.keep(number, Arc::new(number)));
        assert!(memory.find(1).is_some());
        memory.keep(9, Arc::new(9));
        let known: Vec<u64> = (1..=100).filter(|number| memory.find(*number).is_some()).collect();
        assert_eq!(known, [1, 3, 4, 5, 6, 7, 8, 9, 100]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_is_tried_again_after_a_second_and_told_once() {
        let mut memory = running(5);
        assert!(memory.fail(6, "no secret".to_owned()));
        assert!(memory.is_hopeless(6) && !memory.is_hopeless(7));
        tokio::time::advance(RETRY).await;
        assert!(!memory.is_hopeless(6));
        assert!(!memory.fail(6, "no secret".to_owned()));
        assert_eq!(memory.problem().as_deref(), Some("revision 6: no secret"));
        memory.fail(3, "an old one".to_owned());
        memory.run(6, Arc::new(6));
        assert_eq!(memory.problem(), None);
    }

    #[test]
    fn a_reason_has_a_bounded_length() {
        let mut memory = running(1);
        memory.fail(2, "ö".repeat(LONGEST_REASON));
        assert!(memory.problem().is_some_and(|problem| problem.len() <= LONGEST_REASON + 20));
    }
}
