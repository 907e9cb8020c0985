//! What is known of each host that a tenant calls: whether it is well, how many calls are under way, how many further attempts
//! it can be sent. Calls of one host are felt by no other, and those of one tenant by no other tenant: what one asks of a host,
//! with which credentials, says nothing about what it answers others.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tributary_engine::CallError;
use tributary_model::TenantId;

use super::breaker::{Breaker, Health, Leave};
use super::budget::RetryBudget;
use super::failure;

/// So many are remembered; those that were not called for longest are forgotten first.
const SERVERS: NonZeroUsize = NonZeroUsize::new(4096).expect("it is more than nothing");

/// All hosts, of each tenant.
pub(super) struct Servers {
    known: Mutex<LruCache<(TenantId, String), Arc<Server>>>,
    concurrency: usize,
}

impl Servers {
    pub(super) fn new(concurrency: usize) -> Self {
        Self { known: Mutex::new(LruCache::new(SERVERS)), concurrency: concurrency.max(1) }
    }

    /// The host of this name, as the tenant has it.
    pub(super) fn of(&self, tenant: &TenantId, name: &str) -> Arc<Server> {
        let key = (tenant.clone(), name.to_owned());
        locked(&self.known).get_or_insert(key, || Arc::new(Server::new(name, self.concurrency))).clone()
    }
}

/// One host, for one tenant.
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

    /// Waits for a place, and for leave to make an attempt that takes `timeout` at most and is through by `until`.
    ///
    /// # Errors
    /// `CIRCUIT_OPEN`, at once; `TIMED_OUT` where no place became free.
    pub(super) async fn enter(
        self: &Arc<Self>,
        timeout: Duration,
        until: Instant,
    ) -> Result<UnderWay, CallError> {
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
        let ends = Instant::now().checked_add(timeout).map_or(until, |ends| ends.min(until));
        Ok(UnderWay { server: self.clone(), leave, ends, health: None, _permit: permit })
    }
}

/// An attempt under way. What it says about the host counts when it is dropped, also where its future was.
pub(super) struct UnderWay {
    server: Arc<Server>,
    leave: Leave,
    ends: Instant,
    /// What came of it.
    health: Option<Health>,
    _permit: OwnedSemaphorePermit,
}

impl UnderWay {
    /// When its time is over.
    pub(super) fn ends(&self) -> Instant {
        self.ends
    }

    /// The attempt is through.
    pub(super) fn through(mut self, health: Health) {
        self.health = Some(health);
    }
}

impl Drop for UnderWay {
    /// Of an attempt that was broken off nothing is known, unless its time was over: the call's own time may end at the same
    /// moment, and who hangs must not be spared because of that.
    fn drop(&mut self) {
        let now = Instant::now();
        let unknown = if now >= self.ends { Health::Ill } else { Health::Unknown };
        locked(&self.server.breaker).tell(self.leave, self.health.unwrap_or(unknown), now);
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

    const SHORT: Duration = Duration::from_secs(1);

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    async fn enter(server: &Arc<Server>) -> Result<UnderWay, CallError> {
        server.enter(SHORT, Instant::now() + SHORT).await
    }

    async fn reason(server: &Arc<Server>) -> String {
        enter(server).await.err().map_or_else(String::new, |error| error.reason)
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_finds_no_place_fails_with_its_time() {
        let servers = Servers::new(1);
        let server = servers.of(&tenant("t"), "a:80");
        let first = enter(&server).await.unwrap();
        let begun = Instant::now();
        assert_eq!((reason(&server).await.as_str(), begun.elapsed()), ("TIMED_OUT", SHORT));
        let other_host = servers.of(&tenant("t"), "b:80");
        assert!(enter(&other_host).await.is_ok(), "another host is not concerned");
        first.through(Health::Well);
        assert!(enter(&servers.of(&tenant("t"), "a:80")).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_tenant_does_to_a_host_no_other_tenant_feels() {
        let servers = Servers::new(1);
        let (one, other) = (servers.of(&tenant("one"), "a:80"), servers.of(&tenant("other"), "a:80"));
        for _ in 0..FAILURES {
            enter(&one).await.unwrap().through(Health::Ill);
            while one.may_try_again() {}
        }
        assert_eq!(reason(&one).await, "CIRCUIT_OPEN");
        assert!(other.may_try_again());
        assert_eq!(reason(&other).await, "");
        tokio::time::advance(FIRST).await;
        let _held = enter(&one).await.unwrap();
        assert_eq!(reason(&other).await, "", "nor do they share places");
        assert_eq!((one.name(), other.name()), ("a:80", "a:80"), "messages name the host alone");
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_fails_is_left_alone_at_once_and_a_probe_whose_future_is_dropped_is_no_end() {
        let server = Servers::new(4).of(&tenant("t"), "a:80");
        for _ in 0..FAILURES {
            enter(&server).await.unwrap().through(Health::Ill);
        }
        assert_eq!(reason(&server).await, "CIRCUIT_OPEN");
        tokio::time::advance(FIRST).await;
        let probe = enter(&server).await.unwrap();
        assert_eq!(reason(&server).await, "CIRCUIT_OPEN");
        drop(probe);
        enter(&server).await.unwrap().through(Health::Well);
        assert!(enter(&server).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_is_dropped_counts_where_its_time_was_over_and_not_before() {
        let server = Servers::new(4).of(&tenant("t"), "a:80");
        for _ in 0..2 * FAILURES {
            let attempt = enter(&server).await.unwrap();
            tokio::time::advance(SHORT / 2).await;
            drop(attempt);
        }
        for _ in 0..FAILURES {
            let attempt = enter(&server).await.unwrap();
            tokio::time::advance(SHORT).await;
            drop(attempt);
        }
        assert_eq!(reason(&server).await, "CIRCUIT_OPEN");
    }

    #[test]
    fn only_so_many_are_remembered() {
        let servers = Servers::new(1);
        for host in 0..2 * SERVERS.get() {
            servers.of(&tenant("t"), &format!("host-{host}:80"));
        }
        assert_eq!(servers.known.lock().unwrap().len(), SERVERS.get());
    }
}
