//! The connection to Redis, and how a script is called.

use crate::requirements::{self, ConnectError, Durability};
use crate::{error::StreamsError, reply::Reply};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncConnectionConfig, Client, ProtocolVersion, PushInfo, Script, Value};
use std::convert::Infallible;
use std::time::Duration;

/// How long a command may take before its outcome counts as unknown.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection that restores itself. Cheap to clone; clones share one socket.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    connection: ConnectionManager,
    durability: Durability,
}

impl Redis {
    /// Connects and checks that the server can keep what is promised: `maxmemory-policy noeviction`, an append-only
    /// file, and `appendfsync always` unless `relaxed` is accepted.
    pub async fn connect(url: &str, relaxed: bool) -> Result<Self, ConnectError> {
        let client = Client::open(url).map_err(ConnectError::Address)?;
        let address = client.get_connection_info().addr().to_string();
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_number_of_retries(1);
        let connected = ConnectionManager::new_with_config(client.clone(), config).await;
        let mut connection = connected.map_err(|error| requirements::unreachable(&address, &error))?;
        let durability = requirements::check(&mut connection, &address, relaxed).await?;
        Ok(Self { client, connection, durability })
    }

    /// What an acknowledgement by this server is worth.
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// One round trip; for readiness.
    pub async fn ping(&self) -> Result<(), StreamsError> {
        redis::cmd("PING").query_async::<()>(&mut self.connection()).await?;
        Ok(())
    }

    pub(crate) fn connection(&self) -> ConnectionManager {
        self.connection.clone()
    }

    /// A connection of its own for blocking reads: one that waits would hold up every other command behind it.
    pub(crate) async fn blocking(
        &self,
        longest_block: Duration,
    ) -> Result<redis::aio::MultiplexedConnection, StreamsError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(longest_block + RESPONSE_TIMEOUT));
        Ok(self.client.get_multiplexed_async_connection_with_config(&config).await?)
    }

    /// A connection of its own for what others publish: all of it is handed to `hear`, which must not wait.
    pub(crate) async fn listening(
        &self,
        hear: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> Result<redis::aio::MultiplexedConnection, StreamsError> {
        let info = self.client.get_connection_info();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.clone().set_redis_settings(settings))?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_push_sender(move |push| {
                hear(push);
                Ok::<(), Infallible>(())
            });
        Ok(client.get_multiplexed_async_connection_with_config(&config).await?)
    }

    /// Runs a script. Every script of this crate is safe to send again.
    pub(crate) async fn run(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[Argument<'_>],
    ) -> Result<Reply, StreamsError> {
        let mut invocation = script.prepare_invoke();
        for key in keys {
            invocation.key(key);
        }
        for argument in arguments {
            match argument {
                Argument::Bytes(bytes) => invocation.arg(*bytes),
                Argument::Text(text) => invocation.arg(text),
                Argument::Integer(integer) => invocation.arg(*integer),
            };
        }
        let value: Value = invocation.invoke_async(&mut self.connection()).await?;
        Ok(Reply::new(value))
    }
}

/// One `ARGV` of a script.
pub(crate) enum Argument<'a> {
    Bytes(&'a [u8]),
    Text(String),
    Integer(i64),
}

impl<'a> From<&'a [u8]> for Argument<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a str> for Argument<'a> {
    fn from(text: &'a str) -> Self {
        Self::Bytes(text.as_bytes())
    }
}

impl From<String> for Argument<'_> {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Argument<'_> {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<bool> for Argument<'_> {
    fn from(flag: bool) -> Self {
        Self::Integer(i64::from(flag))
    }
}

/// A length as an argument.
pub(crate) fn count(length: usize) -> Argument<'static> {
    Argument::Integer(i64::try_from(length).unwrap_or(i64::MAX))
}

/// A duration in milliseconds as an argument.
pub(crate) fn millis(duration: Duration) -> Argument<'static> {
    Argument::Integer(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}
