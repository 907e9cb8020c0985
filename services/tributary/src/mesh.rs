//! Where the mesh is and what it is shown: flags, else the environment, else what `up` wrote to `.tributary/env`.

use crate::EnvFile;
use anyhow::Context as _;
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
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    if let Ok(value) = std::env::var(name)
        && !value.is_empty()
    {
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
    let endpoint = Endpoint::from_shared(url.to_owned())
        .with_context(|| format!("{url} is not an address like http://127.0.0.1:7701"))?
        .connect_timeout(Duration::from_secs(2))
        .tcp_nodelay(true);
    let mut token: MetadataValue<Ascii> =
        format!("Bearer {key}").parse().context("the key has characters that no key has")?;
    token.set_sensitive(true);
    Ok(InterceptedService::new(endpoint.connect_lazy(), Bearer { token }))
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
