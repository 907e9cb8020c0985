//! The gRPC server of every stage: what a call passes through before the stage sees it, and what is served beside it.
//!
//! `call.rs` tells the story of one call; the steps are in `trace.rs`, `admission.rs` and `normalise.rs`. `health.rs` and
//! reflection are served beside the stage's own services, and `age.rs` ends connections that live too long. Streams of
//! answers have no limit but the end that `stream.rs` tells them.
//!
//! A stage configures each of its generated services itself, because tonic has these settings per service:
//! `XServer::new(x).max_decoding_message_size(MAX_MESSAGE_BYTES).accept_compressed(Gzip).accept_compressed(Zstd)
//! .send_compressed(Gzip)`, which [`standard_service!`](crate::standard_service) writes. tonic applies the size limit before and
//! after decompression.

mod admission;
mod age;
mod bind;
mod call;
mod health;
mod normalise;
mod stream;
mod trace;

use std::time::Duration;

use futures::StreamExt;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;

use crate::lifecycle::Tasks;
pub use bind::{StartError, bind};
pub use health::Health;
pub use normalise::normalise;
pub use stream::StreamEnd;

/// The most that a message of the public contract may have, compressed or not.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// The most that a message between stages may have: a whole public message and what a stage adds to it.
pub const MAX_HOP_BYTES: usize = 4 * MAX_MESSAGE_BYTES;

/// Applies to a generated service what every service of the mesh has: gzip and zstd accepted, gzip sent, and a limit on
/// messages before and after decompression ([`MAX_MESSAGE_BYTES`], or the one given).
#[macro_export]
macro_rules! standard_service {
    ($service:expr) => {
        $crate::standard_service!($service, $crate::MAX_MESSAGE_BYTES)
    };
    ($service:expr, $limit:expr) => {
        $service
            .accept_compressed(::tonic::codec::CompressionEncoding::Gzip)
            .accept_compressed(::tonic::codec::CompressionEncoding::Zstd)
            .send_compressed(::tonic::codec::CompressionEncoding::Gzip)
            .max_decoding_message_size($limit)
    };
}

/// A server before it is started. All values have a sensible default.
#[derive(Debug, Clone)]
pub struct Server {
    max_concurrent: usize,
    default_deadline: Duration,
    connection_age: Duration,
    connection_grace: Duration,
    lame_duck: Duration,
    names: Vec<&'static str>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            max_concurrent: 1024,
            default_deadline: Duration::from_secs(30),
            connection_age: Duration::from_secs(30 * 60),
            connection_grace: Duration::from_secs(60),
            lame_duck: Duration::from_millis(250),
            names: Vec::new(),
        }
    }
}

impl Server {
    /// A server with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many calls may be worked on at once, over all connections; by default 1024. One more is answered with
    /// RESOURCE_EXHAUSTED, reason OVERLOADED, at once. A stream counts until its answer begins.
    #[must_use]
    pub fn max_concurrent(mut self, calls: usize) -> Self {
        self.max_concurrent = calls.max(1);
        self
    }

    /// How long a call may take whose caller set no deadline; by default 30 seconds. A caller's own deadline is kept,
    /// shorter or longer. Of a stream this limits the time to the beginning of its answer.
    #[must_use]
    pub fn default_deadline(mut self, deadline: Duration) -> Self {
        self.default_deadline = deadline;
        self
    }

    /// After what time a connection is asked to end, so that clients spread over new instances, and how long its last
    /// calls may then take; by default 30 minutes and one minute. Streams that heed [`StreamEnd`] end within the latter.
    #[must_use]
    pub fn connection_age(mut self, age: Duration, grace: Duration) -> Self {
        self.connection_age = age;
        self.connection_grace = grace;
        self
    }

    /// How long the server still accepts calls after it began to say that it is not serving; by default 250 ms.
    #[must_use]
    pub fn lame_duck(mut self, time: Duration) -> Self {
        self.lame_duck = time;
        self
    }

    /// The full names of the services that this stage serves, for reflection and for health by service. Without them,
    /// reflection shows every service of the descriptors, also those of other stages.
    #[must_use]
    pub fn names(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.names = names.into_iter().collect();
        self
    }

    /// Starts serving, as the task "grpc server", and says so by health. When the process stops, the server first says
    /// that it is not serving, then accepts no more connections, and ends when the calls in hand are answered.
    ///
    /// `descriptors` is the encoded file descriptor set of the contract.
    ///
    /// # Errors
    /// Descriptors that cannot be read.
    pub fn serve(
        self,
        listener: TcpListener,
        routes: Routes,
        descriptors: &'static [u8],
        tasks: &Tasks,
    ) -> Result<Health, StartError> {
        let (health, health_service) = Health::new(&self.names);
        let reflection = || {
            let described = tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(descriptors);
            self.names.iter().fold(described, |described, name| described.with_service_name(*name))
        };
        let routes = routes
            .add_service(health_service)
            .add_service(reflection().build_v1().map_err(StartError::Descriptors)?)
            .add_service(reflection().build_v1alpha().map_err(StartError::Descriptors)?);

        let router = tonic::transport::Server::builder()
            // More than may be worked on, so that the one too many is answered and not kept waiting in its client.
            .max_concurrent_streams(u32::try_from(self.max_concurrent.saturating_mul(2)).ok())
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .http2_keepalive_timeout(Some(Duration::from_secs(10)))
            // tonic's own grace is not used: with it, a connection is never asked to end, only cut.
            .max_connection_age(self.connection_age)
            .layer(call::CallLayer::new(self.max_concurrent, self.default_deadline))
            .add_routes(routes);

        let incoming = self.incoming(listener);
        let stopping = tasks.stopping();
        let lame_duck = self.lame_duck;
        let told = health.clone();
        tasks.spawn("grpc server", async move {
            told.set_serving(true).await;
            let end = async {
                stopping.cancelled().await;
                told.set_serving(false).await;
                tokio::time::sleep(lame_duck).await;
                told.retire().await;
            };
            router.serve_with_incoming_shutdown(incoming, end).await?;
            Ok(())
        });
        Ok(health)
    }

    fn incoming(
        &self,
        listener: TcpListener,
    ) -> impl futures::Stream<Item = std::io::Result<age::Aging<tokio::net::TcpStream>>> + use<> {
        let (age, grace) = (self.connection_age, self.connection_grace);
        TcpIncoming::from(listener).with_nodelay(Some(true)).then(move |accepted| async move {
            if accepted.is_err() {
                // Mostly too many open files: tonic would try again at once and burn a core until one is closed.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            accepted.map(|connection| age::Aging::new(connection, age, grace))
        })
    }
}
