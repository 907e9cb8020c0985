//! Connections, and the keys that calls carry.

use std::{error::Error, fmt::Display, time::Duration};

use anyhow::Context as _;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

/// Where the keys of further tenants travel.
const TENANT_KEY: &str = "tributary-tenant-key";

/// A channel whose calls carry keys.
pub(crate) type Authorized = InterceptedService<Channel, Keys>;

/// A channel whose calls carry these keys, the first as the caller's own.
///
/// # Errors
/// A key that cannot be one.
pub(crate) fn authorized(channel: Channel, keys: &[String]) -> anyhow::Result<Authorized> {
    let own = keys.first().map(|key| bearer(key)).transpose()?;
    let further = keys.iter().skip(1).map(|key| secret(key)).collect::<anyhow::Result<_>>()?;
    Ok(InterceptedService::new(channel, Keys { own, further }))
}

/// Connects when first used.
///
/// # Errors
/// An address that cannot be used.
pub(crate) fn channel(url: &str) -> anyhow::Result<Channel> {
    Ok(endpoint(url)?.connect_lazy())
}

/// Connects now, and again whenever the connection is lost.
///
/// # Errors
/// As [`channel`]; or nobody answers there within 2 s.
pub(crate) async fn connect(url: &str) -> anyhow::Result<Channel> {
    endpoint(url)?.connect().await.map_err(|error| no_answer(url, root(&error)))
}

/// The mesh is down, or elsewhere.
pub(crate) fn no_answer(url: &str, reason: impl Display) -> anyhow::Error {
    anyhow::anyhow!("the mesh does not answer at {url}: {reason}; is it up? start it with deploy/up")
}

/// The credential of a call.
///
/// # Errors
/// A key that cannot be one.
pub(crate) fn bearer(key: &str) -> anyhow::Result<MetadataValue<Ascii>> {
    secret(&format!("Bearer {key}"))
}

fn secret(value: &str) -> anyhow::Result<MetadataValue<Ascii>> {
    let mut value: MetadataValue<Ascii> = value.parse().context("the key has characters that no key has")?;
    value.set_sensitive(true);
    Ok(value)
}

/// What tonic's error says itself is only that there was one.
pub(crate) fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root
}

fn endpoint(url: &str) -> anyhow::Result<Endpoint> {
    let wrong = || format!("{url} is not an address like http://127.0.0.1:7701");
    // Without a scheme it would only be noticed at the first call, as an answer that does not come.
    anyhow::ensure!(url.starts_with("http://") || url.starts_with("https://"), wrong());
    Ok(Endpoint::from_shared(url.to_owned())
        .with_context(wrong)?
        .connect_timeout(Duration::from_secs(2))
        // A watch is silent for long, and a peer that is gone must be noticed all the same.
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .tcp_nodelay(true))
}

/// Adds the keys to every call.
#[derive(Clone)]
pub(crate) struct Keys {
    own: Option<MetadataValue<Ascii>>,
    further: Vec<MetadataValue<Ascii>>,
}

impl Interceptor for Keys {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        if let Some(own) = &self.own {
            metadata.insert("authorization", own.clone());
        }
        for key in &self.further {
            metadata.append(TENANT_KEY, key.clone());
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mesh_that_is_gone_is_told_by_its_address_and_not_waited_for() {
        let url = format!("http://127.0.0.1:{}", tributary_servers::free_port());
        let said = connect(&url).await.err().map(|error| error.to_string()).unwrap_or_default();
        for part in [&*url, "refused", "is it up?"] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn the_first_key_is_the_callers_and_the_others_are_shown_beside_it() {
        let keys = Keys {
            own: Some(bearer("first").unwrap()),
            further: vec![secret("second").unwrap(), secret("third").unwrap()],
        };
        let request = keys.clone().call(Request::new(())).unwrap();
        assert_eq!(request.metadata().get("authorization").unwrap(), "Bearer first");
        let further: Vec<_> = request.metadata().get_all(TENANT_KEY).iter().collect();
        assert_eq!(further, ["second", "third"]);
    }
}
