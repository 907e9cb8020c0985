//! Connecting to a node that users serve: by the same rules as HTTP calls, and with TLS where the address says so.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};
use url::Host;

use super::place::Place;
use super::resolver::Resolver;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that does not answer this often is a broken one.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// What a connection is to whoever speaks over it.
trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

type Connected = TokioIo<Box<dyn Connection>>;
type ConnectError = Box<dyn std::error::Error + Send + Sync>;

/// Trusts whom the system trusts.
///
/// # Errors
/// The system's certificates cannot be read.
pub(super) fn tls() -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = versions.with_platform_verifier()?.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// A channel to a place. It connects when it is first used, and again whenever the connection is lost; the addresses are
/// looked up and judged each time.
///
/// # Errors
/// The place is none that HTTP/2 can name: a URL may have more in its host than that.
pub(super) fn channel(
    place: &Place,
    resolver: &Resolver,
    tls: &Arc<ClientConfig>,
) -> Result<Channel, ConnectError> {
    let origin: Uri = format!("{}://{}", place.url.scheme(), place.name()).parse()?;
    // What lies below is the connector's: for the endpoint the connection is a plain one.
    let endpoint = Endpoint::from_shared(format!("http://{}", place.name()))?
        .origin(origin)
        .user_agent(concat!("tributary/", env!("CARGO_PKG_VERSION")))?
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    let (place, resolver, tls) = (place.clone(), resolver.clone(), tls.clone());
    let connector = tower::service_fn(move |_: Uri| {
        let (place, resolver, tls) = (place.clone(), resolver.clone(), tls.clone());
        async move { timeout(CONNECT_TIMEOUT, connect(&place, &resolver, tls)).await? }
    });
    Ok(endpoint.connect_with_connector_lazy(connector))
}

async fn connect(
    place: &Place,
    resolver: &Resolver,
    tls: Arc<ClientConfig>,
) -> Result<Connected, ConnectError> {
    let (addresses, name): (Vec<IpAddr>, _) = match &place.host {
        // Judged when the place was read.
        Host::Ipv4(address) => (vec![(*address).into()], ServerName::IpAddress(IpAddr::V4(*address).into())),
        Host::Ipv6(address) => (vec![(*address).into()], ServerName::IpAddress(IpAddr::V6(*address).into())),
        Host::Domain(name) => (resolver.resolve(name).await?, ServerName::try_from(name.clone())?),
    };
    let addresses: Vec<_> =
        addresses.into_iter().map(|address| SocketAddr::new(address, place.port)).collect();
    let tcp = TcpStream::connect(addresses.as_slice()).await?;
    tcp.set_nodelay(true)?;
    let connection: Box<dyn Connection> = if place.url.scheme() == "https" {
        Box::new(TlsConnector::from(tls).connect(name, tcp).await?)
    } else {
        Box::new(tcp)
    };
    Ok(TokioIo::new(connection))
}
