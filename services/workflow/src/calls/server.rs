//! What is known of each host that is called: whether it is well, how many calls are under way, how many further attempts it
//! can be sent. Calls of one host are felt by no other.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tributary_engine::CallError;

use super::breaker::{Breaker, Health, Leave};
use super::budget::RetryBudget;
use super::failure;

/// So many hosts are remembered; those that were not called for longest are forgotten first.
const HOSTS: NonZeroUsize = NonZeroUsize::new(1024).expect("it is more than nothing");

/// All hosts.
pub(super) struct Servers {
    known: Mutex<LruCache<String, Arc<Server>>>,
    concurrency: usize,
}

impl Servers {
    pub(super) fn new(concurrency: usize) -> Self {
        Self { known: Mutex::new(LruCache::new(HOSTS)), concurrency: concurrency.max(1) }
    }

    /// The host of this name.
    pub(super) fn of(&self, name: &str) -> Arc<Server> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_or_insert_ref(name, || Arc::new(Server::new(name, self.concurrency))).clone()
    }
}

/// One host.
pub(super) struct Server {
    name: String,
    permits: Arc<Semaphore>,
    breaker: Mutex<Breaker>,
    budget: Mutex<RetryBudget>,
}

impl Server {
    fn new(name: &str, concurrency: usize) -> Self {
        Self {
            name: name.to_owned(),
            permits: Arc::new(Semaphore::new(concurrency)),
            breaker: Mutex::default(),
            budget: Mutex::default(),
        }
    }

    /// As messages call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A call begins: it is what further attempts are a share of.
    pub(super) fn begin(&self) {
        locked(&self.budget).call(Instant::now());
    }

    /// Takes one further attempt out of the budget.
    pub(super) fn may_try_again(&self) -> bool {
        locked(&self.budget).retry(Instant::now())
    }

    /// Waits for a place, and for leave to make an attempt.
    ///
    /// # Errors
    /// `CIRCUIT_OPEN`, at once; `TIMED_OUT` where no place became free.
    pub(super) async fn enter(self: &Arc<Self>, until: Instant) -> Result<UnderWay, CallError> {
        // Nobody waits for a place at a host that is left alone.
        if locked(&self.breaker).is_open(Instant::now()) {
            return Err(failure::circuit_open(&self.name));
        }
        let waiting = timeout_at(until, self.permits.clone().acquire_owned()).await;
        let permit = waiting
            .map_err(|_| failure::timed_out(format!("too many calls of {} are under way", self.name)))?
            .expect("nobody closes the semaphore");
        let leave = locked(&self.breaker).admit(Instant::now());
        let leave = leave.ok_or_else(|| failure::circuit_open(&self.name))?;
        Ok(UnderWay { server: self.clone(), leave, health: Health::Unknown, _permit: permit })
    }
}

/// An attempt under way. What it says about the host counts when it is dropped, also where its future was.
pub(super) struct UnderWay {
    server: Arc<Server>,
    leave: Leave,
    health: Health,
    _permit: OwnedSemaphorePermit,
}

impl UnderWay {
    /// The attempt is through.
    pub(super) fn through(mut self, health: Health) {
        self.health = health;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        locked(&self.server.breaker).tell(self.leave, self.health, Instant::now());
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::calls::breaker::{FAILURES, FIRST};

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_finds_no_place_fails_with_its_time() {
        let servers = Servers::new(1);
        let first = servers.of("a:80").enter(soon()).await.unwrap();
        let begun = Instant::now();
        let refused = servers.of("a:80").enter(soon()).await.err().unwrap();
        assert_eq!((refused.reason.as_str(), begun.elapsed()), ("TIMED_OUT", Duration::from_secs(1)));
        assert!(servers.of("b:80").enter(soon()).await.is_ok(), "another host is not concerned");
        first.through(Health::Well);
        assert!(servers.of("a:80").enter(soon()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_fails_is_left_alone_at_once_and_a_probe_whose_future_is_dropped_is_no_end() {
        let servers = Servers::new(4);
        let server = servers.of("a:80");
        for _ in 0..FAILURES {
            server.enter(soon()).await.unwrap().through(Health::Ill);
        }
        assert_eq!(server.enter(soon()).await.err().unwrap().reason, "CIRCUIT_OPEN");
        tokio::time::advance(FIRST).await;
        let probe = server.enter(soon()).await.unwrap();
        assert_eq!(server.enter(soon()).await.err().unwrap().reason, "CIRCUIT_OPEN");
        drop(probe);
        server.enter(soon()).await.unwrap().through(Health::Well);
        assert!(server.enter(soon()).await.is_ok());
    }

    #[test]
    fn only_so_many_hosts_are_remembered() {
        let servers = Servers::new(1);
        for host in 0..2 * HOSTS.get() {
            servers.of(&format!("host-{host}:80"));
        }
        assert_eq!(servers.known.lock().unwrap().len(), HOSTS.get());
    }
}
