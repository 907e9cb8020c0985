//! Looking names up, and judging what is found: a name that was harmless a moment ago may stand for a private address now,
//! so it is the addresses of the connection at hand that are looked at, each time.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use lru::LruCache;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address::is_public;

/// So many names are looked up at once.
const LOOK_UPS: usize = 64;
/// One name so often.
const OF_ONE_NAME: usize = 4;
/// So many names are remembered; those that were not looked up for longest are forgotten first.
const NAMES: NonZeroUsize = NonZeroUsize::new(1024).expect("it is more than nothing");

/// What a name stands for.
pub(super) trait Lookup: Send + Sync {
    /// Its addresses now.
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// What the system says. A look-up takes a thread of those that the whole process has for what blocks, and may take half a
/// minute; one that nobody waits for any more goes on. So only some are made at once, and of one name fewer still.
pub(super) struct System {
    places: Arc<Semaphore>,
    names: Mutex<LruCache<String, Arc<Semaphore>>>,
    look_up: fn(&str) -> io::Result<Vec<IpAddr>>,
}

impl Default for System {
    fn default() -> Self {
        Self::looking_up(|host| Ok((host, 0).to_socket_addrs()?.map(|found| found.ip()).collect()))
    }
}

impl System {
    fn looking_up(look_up: fn(&str) -> io::Result<Vec<IpAddr>>) -> Self {
        let names = Mutex::new(LruCache::new(NAMES));
        Self { places: Arc::new(Semaphore::new(LOOK_UPS)), names, look_up }
    }

    /// Where look-ups of a name wait for each other.
    fn of_name(&self, host: &str) -> Arc<Semaphore> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get_or_insert_ref(host, || Arc::new(Semaphore::new(OF_ONE_NAME))).clone()
    }
}

impl Lookup for System {
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let (of_name, places, look_up) = (self.of_name(&host), self.places.clone(), self.look_up);
        async move {
            let taken = (place(of_name).await?, place(places).await?);
            let found = tokio::task::spawn_blocking(move || {
                let found = look_up(&host);
                drop(taken);
                found
            });
            found.await.map_err(io::Error::other)?
        }
        .boxed()
    }
}

async fn place(of: Arc<Semaphore>) -> io::Result<OwnedSemaphorePermit> {
    of.acquire_owned().await.map_err(io::Error::other)
}

/// All addresses of a name are private.
#[derive(Debug, thiserror::Error)]
#[error("the name stands for no address of the open Internet")]
pub(super) struct Forbidden;

/// A name that was looked up could not be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    /// See there.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The look-up failed, or found nothing.
    #[error("the name cannot be looked up")]
    Unknown(#[source] io::Error),
}

/// Looks names up.
#[derive(Clone)]
pub(super) struct Resolver {
    lookup: Arc<dyn Lookup>,
    /// Any address will do: for hosts that an operator allows.
    any: bool,
}

impl Resolver {
    pub(super) fn new(lookup: Arc<dyn Lookup>, any: bool) -> Self {
        Self { lookup, any }
    }

    /// The addresses that may be connected to; one at least.
    ///
    /// # Errors
    /// There is none, or none that may be.
    pub(super) async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let found = self.lookup.addresses(host.to_owned()).await.map_err(ResolveError::Unknown)?;
        if found.is_empty() {
            return Err(ResolveError::Unknown(io::ErrorKind::NotFound.into()));
        }
        let usable: Vec<IpAddr> =
            found.into_iter().filter(|address| self.any || is_public(*address)).collect();
        if usable.is_empty() { Err(Forbidden.into()) } else { Ok(usable) }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let found = Resolver::resolve(&resolver, name.as_str()).await?;
            // The port of the URL is put in place of 0.
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Whether an error of a client comes from an address that may not be called.
pub(super) fn is_forbidden(error: &(dyn Error + 'static)) -> bool {
    let mut source = Some(error);
    while let Some(error) = source {
        if matches!(error.downcast_ref(), Some(ResolveError::Forbidden(_))) {
            return true;
        }
        // What an I/O error is made of is not among its sources.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        source = inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
    }
    false
}

#[cfg(test)]
pub(super) mod testing {
    //! Names that stand for something else with every look-up.

    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::*;

    /// Answers the first script entry once, and so on; the last one for ever.
    pub(in crate::calls) struct Scripted(Mutex<VecDeque<Vec<IpAddr>>>);

    impl Scripted {
        pub(in crate::calls) fn new(answers: &[&[&str]]) -> Arc<Self> {
            let addresses = |texts: &&[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
            Arc::new(Self(Mutex::new(answers.iter().map(addresses).collect())))
        }
    }

    impl Lookup for Scripted {
        fn addresses(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            let mut answers = self.0.lock().unwrap();
            let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
            async move { Ok(answer.unwrap_or_default()) }.boxed()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::time::timeout;

    use super::testing::Scripted;
    use super::*;

    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    static MAY_END: AtomicBool = AtomicBool::new(false);

    /// Blocks for names that are slow, as a resolver does whose server does not answer.
    fn slowly(host: &str) -> io::Result<Vec<IpAddr>> {
        if host.starts_with("slow") {
            BEGUN.fetch_add(1, Ordering::SeqCst);
            while !MAY_END.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
        }
        Ok(vec![[8, 8, 8, 8].into()])
    }

    #[tokio::test]
    async fn a_slow_name_is_looked_up_a_few_times_at_once_though_nobody_waits_and_holds_up_no_other() {
        let system = System::looking_up(slowly);
        for _ in 0..3 * OF_ONE_NAME {
            let given_up = timeout(Duration::from_millis(1), system.addresses("slow.example".into())).await;
            assert!(given_up.is_err());
        }
        assert_eq!(system.places.available_permits(), LOOK_UPS - OF_ONE_NAME);
        assert!(BEGUN.load(Ordering::SeqCst) <= OF_ONE_NAME);
        assert_eq!(system.addresses("quick.example".into()).await.unwrap().len(), 1);
        MAY_END.store(true, Ordering::SeqCst);
        assert_eq!(system.addresses("slow.example".into()).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn the_system_knows_this_machine() {
        let found = System::default().addresses("localhost".into()).await.unwrap();
        assert!(found.iter().any(IpAddr::is_loopback), "{found:?}");
    }

    #[tokio::test]
    async fn each_look_up_is_judged_by_itself_and_only_what_is_public_is_used() {
        let names =
            Scripted::new(&[&["8.8.8.8"], &["127.0.0.1", "8.8.4.4", "fe80::1"], &["10.0.0.1", "::1"], &[]]);
        let resolver = Resolver::new(names, false);
        assert_eq!(resolver.resolve("a").await.unwrap(), ["8.8.8.8".parse::<IpAddr>().unwrap()]);
        assert_eq!(resolver.resolve("a").await.unwrap(), ["8.8.4.4".parse::<IpAddr>().unwrap()]);
        assert!(matches!(resolver.resolve("a").await, Err(ResolveError::Forbidden(_))));
        assert!(matches!(resolver.resolve("a").await, Err(ResolveError::Unknown(_))));
    }

    #[tokio::test]
    async fn an_allowed_host_may_have_any_address() {
        let resolver = Resolver::new(Scripted::new(&[&["127.0.0.1"]]), true);
        assert_eq!(resolver.resolve("a").await.unwrap(), ["127.0.0.1".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn the_reason_is_found_below_what_clients_say() {
        let inner = ResolveError::from(Forbidden);
        assert!(is_forbidden(&io::Error::other(inner)));
        assert!(!is_forbidden(&io::Error::other("other")));
        assert!(!is_forbidden(&ResolveError::Unknown(io::ErrorKind::NotFound.into())));
    }
}
