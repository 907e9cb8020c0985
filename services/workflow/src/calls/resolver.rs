//! Looking names up, and judging what is found: a name that was harmless a moment ago may stand for a private address now,
//! so it is the addresses of the connection at hand that are looked at, each time.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::is_public;

/// What a name stands for.
pub(super) trait Lookup: Send + Sync {
    /// Its addresses now.
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// What the system says.
#[derive(Debug, Clone, Copy)]
pub(super) struct System;

impl Lookup for System {
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|found| found.ip()).collect()) }.boxed()
    }
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
    use super::testing::Scripted;
    use super::*;

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
