//! Where the mesh is and what it is shown: flags, else the environment, else what `up` wrote to `.tributary/env`.

use crate::EnvFile;
use crate::environment::{filled, given as set};
use anyhow::Context as _;
use std::error::Error;
use std::fmt::Display;
use std::path::Path;
use std::time::Duration;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// Where `up` writes what it started.
const ENV_FILE: &str = ".tributary/env";

/// Looks a value up under `name`, `given` first.
///
/// # Errors
/// It is nowhere; says where it was looked for and what to do.
pub(crate) fn look_up(given: Option<&str>, name: &str, what: &str) -> anyhow::Result<String> {
    if let Some(value) = filled(given.map(str::to_owned)).or_else(|| set(name)) {
        return Ok(value);
    }
    let file = EnvFile::read(Path::new(ENV_FILE))?;
    file.get(name).map(str::to_owned).with_context(|| {
        format!("{what} is not known: start the mesh here with deploy/up, or set {name} (neither {ENV_FILE} nor the environment has it)")
    })
}

/// A channel whose calls carry a bearer token.
pub(crate) type Authorized = InterceptedService<Channel, Bearer>;

/// Connects when first used.
///
/// # Errors
/// An address or a key that cannot be used.
pub(crate) fn channel(url: &str, key: &str) -> anyhow::Result<Authorized> {
    let (endpoint, bearer) = prepared(url, key)?;
    Ok(InterceptedService::new(endpoint.connect_lazy(), bearer))
}

/// Connects now, and again whenever the connection is lost.
///
/// # Errors
/// As [`channel`]; or nobody answers there within 2 s.
pub(crate) async fn connect(url: &str, key: &str) -> anyhow::Result<Authorized> {
    let (endpoint, bearer) = prepared(url, key)?;
    let channel = endpoint.connect().await.map_err(|error| no_answer(url, root(&error)))?;
    Ok(InterceptedService::new(channel, bearer))
}

/// The mesh is down, or elsewhere.
pub(crate) fn no_answer(url: &str, reason: impl Display) -> anyhow::Error {
    anyhow::anyhow!("the mesh does not answer at {url}: {reason}; is it up?")
}

/// What tonic's error says itself is only that there was one.
fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root
}

fn prepared(url: &str, key: &str) -> anyhow::Result<(Endpoint, Bearer)> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .with_context(|| format!("{url} is not an address like http://127.0.0.1:7701"))?
        .connect_timeout(Duration::from_secs(2))
        .tcp_nodelay(true);
    let mut token: MetadataValue<Ascii> =
        format!("Bearer {key}").parse().context("the key has characters that no key has")?;
    token.set_sensitive(true);
    Ok((endpoint, Bearer { token }))
}

/// Adds `authorization: Bearer KEY`.
#[derive(Clone)]
pub(crate) struct Bearer {
    token: MetadataValue<Ascii>,
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.token.clone());
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mesh_that_is_gone_is_told_by_its_address_and_not_waited_for() {
        let url = format!("http://127.0.0.1:{}", tributary_servers::free_port());
        let said = connect(&url, "key").await.err().map(|error| error.to_string()).unwrap_or_default();
        for part in [&*url, "refused", "is it up?"] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn an_empty_flag_counts_as_absent() {
        let name = "TRIBUTARY_TEST_NOBODY_SETS_THIS";
        let said = look_up(Some(""), name, "the address").unwrap_err().to_string();
        assert!(said.contains(name), "{said}");
        assert_eq!(look_up(Some("given"), name, "the address").unwrap(), "given");
    }
}
