//! Taking a port, with an error that says what to do.

use std::net::SocketAddr;

use tokio::net::TcpListener;

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port belongs to another process.
    #[error(
        "{stage} cannot listen on {address}: the port is taken by another process; \
         stop that one, or set {variable} to another address (port 0 takes any free one)"
    )]
    PortTaken {
        /// The stage that wanted to listen.
        stage: String,
        /// Where.
        address: SocketAddr,
        /// The variable that sets it.
        variable: String,
    },
    /// The address cannot be listened on for another reason.
    #[error("{stage} cannot listen on {address}; {variable} sets the address")]
    Bind {
        /// The stage that wanted to listen.
        stage: String,
        /// Where.
        address: SocketAddr,
        /// The variable that sets it.
        variable: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The descriptors for reflection are not what they should be.
    #[error("the contract's descriptors cannot be read")]
    Descriptors(#[source] tonic_reflection::server::Error),
}

/// Listens on an address of a stage. Call it before slow work, so that a clash shows at once.
///
/// # Errors
/// The address is taken or cannot be used.
pub async fn bind(stage: &str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| {
        let stage = stage.to_owned();
        let variable = format!("TRIBUTARY_{}__LISTEN", stage.to_uppercase());
        match source.kind() {
            std::io::ErrorKind::AddrInUse => StartError::PortTaken { stage, address, variable },
            _ => StartError::Bind { stage, address, variable, source },
        }
    })
}
