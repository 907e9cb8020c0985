//! What a process has prepared of the configuration: the revision that it runs, and a few that events may still name.

use super::prepared::Prepared;
use super::problems;
use super::published::{KEPT, StageReport};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How many prepared revisions are kept beside the one that runs, and how many failures: as many as Redis keeps, so that a
/// backlog of events of all of them prepares each once.
const REMEMBERED: usize = KEPT;
/// What cannot be prepared, or has problems, is tried again after this time: a secret's file may have appeared.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// Prepared revisions, and those that could not be prepared.
pub(super) struct Memory<T> {
    /// What runs; `None` while the process waits for its first.
    current: Option<Arc<Ready<T>>>,
    /// Used last stands last.
    recent: VecDeque<Arc<Ready<T>>>,
    failed: BTreeMap<u64, Failure>,
}

/// A revision that can be run.
pub(super) struct Ready<T> {
    pub(super) number: u64,
    pub(super) value: Arc<T>,
    revision: String,
    problems: Vec<String>,
    /// What it was prepared of, where that is to be done again.
    bytes: Option<Arc<[u8]>>,
}

struct Failure {
    reason: String,
    tried: Instant,
}

impl<T> Ready<T> {
    pub(super) fn new(number: u64, prepared: Prepared<T>, bytes: Arc<[u8]>) -> Self {
        let Prepared { revision, value, problems } = prepared;
        let bytes = (!problems.is_empty()).then_some(bytes);
        Self { number, value: Arc::new(value), revision, problems, bytes }
    }

    /// All its problems in one text; `None` for one that is whole.
    pub(super) fn problem(&self) -> Option<String> {
        (!self.problems.is_empty()).then(|| problems::joined(&self.problems))
    }
}

impl<T> Memory<T> {
    pub(super) fn new() -> Self {
        Self { current: None, recent: VecDeque::new(), failed: BTreeMap::new() }
    }

    pub(super) fn current(&self) -> Option<&Arc<T>> {
        self.current.as_ref().map(|ready| &ready.value)
    }

    /// The number of the revision that runs; 0 for none.
    pub(super) fn number(&self) -> u64 {
        self.current.as_ref().map_or(0, |ready| ready.number)
    }

    /// A prepared revision.
    pub(super) fn find(&mut self, number: u64) -> Option<Arc<Ready<T>>> {
        if let Some(ready) = &self.current
            && ready.number == number
        {
            return Some(ready.clone());
        }
        let place = self.recent.iter().position(|recent| recent.number == number)?;
        let found = self.recent.remove(place)?;
        self.recent.push_back(found.clone());
        Some(found)
    }

    /// Keeps a prepared revision, without running it.
    pub(super) fn keep(&mut self, ready: Arc<Ready<T>>) {
        self.failed.remove(&ready.number);
        self.recent.retain(|recent| recent.number != ready.number);
        self.recent.push_back(ready);
        if self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
    }

    /// Runs a revision from now on, if it is newer than the one that runs. False: it is not.
    pub(super) fn run(&mut self, ready: Arc<Ready<T>>) -> bool {
        if ready.number <= self.number() {
            return false;
        }
        self.failed.remove(&ready.number);
        self.recent.retain(|recent| recent.number != ready.number);
        if let Some(former) = self.current.replace(ready) {
            self.keep(former);
        }
        true
    }

    /// Number and bytes of what runs, if it is to be prepared again because of its problems.
    pub(super) fn unwell(&self) -> Option<(u64, Arc<[u8]>)> {
        let ready = self.current.as_ref()?;
        Some((ready.number, ready.bytes.clone()?))
    }

    /// Takes what runs as it was prepared anew. False: nothing has changed, or another one runs by now.
    pub(super) fn mend(&mut self, anew: Arc<Ready<T>>) -> bool {
        let Some(ready) = &mut self.current else { return false };
        if ready.number != anew.number || ready.problems == anew.problems {
            return false;
        }
        *ready = anew;
        true
    }

    /// Remembers why a revision cannot be prepared. True: that is news.
    pub(super) fn fail(&mut self, number: u64, reason: &str) -> bool {
        let reason = problems::joined(&problems::of_all(reason));
        let is_news = self.failed.get(&number).is_none_or(|former| former.reason != reason);
        self.failed.insert(number, Failure { reason, tried: Instant::now() });
        if self.failed.len() > REMEMBERED {
            self.failed.pop_first();
        }
        is_news
    }

    /// Whether a revision was tried in vain so lately that it is not tried again yet.
    pub(super) fn is_hopeless(&self, number: u64) -> bool {
        self.failed.get(&number).is_some_and(|failure| failure.tried.elapsed() < RETRY)
    }

    /// What this process has to say of itself. That a newer revision cannot be used says more than what is wrong with the
    /// one that runs.
    pub(super) fn report(&self, stage: &str, instance: &str) -> StageReport {
        let number = self.number();
        let newer = self.failed.last_key_value().filter(|(failed, _)| **failed > number);
        let (problem, problem_number) = match newer {
            Some((failed, failure)) => (Some(failure.reason.clone()), *failed),
            None => match self.current.as_ref().and_then(|ready| ready.problem()) {
                Some(problem) => (Some(problem), number),
                None => (None, 0),
            },
        };
        StageReport {
            stage: stage.to_owned(),
            instance: instance.to_owned(),
            number,
            revision: self.current.as_ref().map(|ready| ready.revision.clone()).unwrap_or_default(),
            problem,
            problem_number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(number: u64, problems: &[&str]) -> Arc<Ready<u64>> {
        let problems = problems.iter().map(|problem| (*problem).to_owned()).collect();
        let prepared = Prepared { revision: format!("{number}-abc"), value: number, problems };
        Arc::new(Ready::new(number, prepared, Arc::from(*b"bytes")))
    }

    fn running(number: u64) -> Memory<u64> {
        let mut memory = Memory::new();
        memory.run(ready(number, &[]));
        memory
    }

    fn problem(memory: &Memory<u64>) -> (Option<String>, u64) {
        let report = memory.report("ingest", "1");
        (report.problem, report.problem_number)
    }

    #[test]
    fn it_goes_only_forward() {
        let mut memory = running(5);
        assert!(!memory.run(ready(5, &[])) && !memory.run(ready(4, &[])));
        assert_eq!((memory.number(), memory.current().map(|five| **five)), (5, Some(5)));
        assert!(memory.run(ready(7, &[])));
        assert_eq!(memory.find(5).map(|five| *five.value), Some(5), "what ran before is still known");
    }

    #[test]
    fn the_least_used_go_first_and_the_running_one_never() {
        let mut memory = running(100);
        (1..=32).for_each(|number| memory.keep(ready(number, &[])));
        assert!(memory.find(1).is_some());
        memory.keep(ready(33, &[]));
        let missing: Vec<u64> = (1..=33).filter(|number| memory.find(*number).is_none()).collect();
        assert_eq!(missing, [2]);
        assert!(memory.find(100).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_is_tried_again_after_a_second_and_told_once() {
        let mut memory = running(5);
        assert!(memory.fail(6, "no such kind"));
        assert!(memory.is_hopeless(6) && !memory.is_hopeless(7));
        tokio::time::advance(RETRY).await;
        assert!(!memory.is_hopeless(6));
        assert!(!memory.fail(6, "no such kind"));
        assert_eq!(problem(&memory), (Some("-: no such kind".to_owned()), 6));
        memory.fail(3, "an old one");
        memory.run(ready(6, &[]));
        assert_eq!(problem(&memory), (None, 0));
    }

    #[test]
    fn a_problem_of_what_runs_is_told_until_it_is_mended() {
        let mut memory = running(5);
        assert!(memory.unwell().is_none());
        memory.run(ready(6, &["demo: no key", "acme: no key"]));
        assert_eq!(problem(&memory), (Some("acme: no key\ndemo: no key".to_owned()), 6));
        assert_eq!(memory.unwell().map(|(number, _)| number), Some(6));
        assert!(!memory.mend(ready(6, &["demo: no key", "acme: no key"])), "nothing has changed");
        assert!(!memory.mend(ready(5, &[])), "another one runs");
        assert!(memory.mend(ready(6, &["demo: no key"])));
        assert_eq!(problem(&memory), (Some("demo: no key".to_owned()), 6));
        assert!(memory.mend(ready(6, &[])));
        assert_eq!((problem(&memory), memory.unwell()), ((None, 0), None));
        assert_eq!(memory.report("ingest", "1").revision, "6-abc");
    }

    #[test]
    fn a_newer_one_that_cannot_be_used_is_told_first() {
        let mut memory = Memory::new();
        memory.run(ready(6, &["demo: no key"]));
        memory.fail(7, "no such kind\nno such field");
        assert_eq!(problem(&memory), (Some("-: no such kind\n-: no such field".to_owned()), 7));
    }
}
