//! The connection to Redis, and what the server must be set to before a stage relies on it.

use crate::{error::StreamsError, reply::Reply};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncConnectionConfig, Client, RedisError, Script, Value};
use std::time::Duration;

/// How long a command may take before its outcome counts as unknown.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// What an acknowledgement is worth (docs/protocol.md §10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// `appendfsync always`: on disk before the reply.
    Fsync,
    /// `appendfsync everysec`: up to about two seconds can be lost with the machine.
    Relaxed,
}

/// Why a stage will not start on this Redis.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address cannot be understood.
    #[error("REDIS_URL is not a Redis address; it looks like redis://127.0.0.1:6379")]
    Address(#[source] RedisError),
    /// Nobody answers there.
    #[error(
        "Redis does not answer at {address}: start it there, or set REDIS_URL to where it runs ({reason})"
    )]
    Unreachable {
        /// Host and port, without credentials.
        address: String,
        /// What the attempt met.
        reason: String,
    },
    /// The server would break a promise.
    #[error(
        "Redis at {address} must not run with {setting} {found}: set it to {wanted} (redis.conf or CONFIG SET)"
    )]
    Setting {
        /// Host and port.
        address: String,
        /// The setting's name.
        setting: &'static str,
        /// Its value there.
        found: String,
        /// What it has to be.
        wanted: &'static str,
    },
}

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
        let unreachable = |error: RedisError| ConnectError::Unreachable {
            address: address.clone(),
            reason: format!("{:?}", error.kind()),
        };
        let mut connection =
            ConnectionManager::new_with_config(client.clone(), config).await.map_err(unreachable)?;
        let mut setting = async |name: &'static str| {
            redis::cmd("CONFIG")
                .arg("GET")
                .arg(name)
                .query_async::<Vec<String>>(&mut connection)
                .await
                .map(|pair| pair.into_iter().nth(1).unwrap_or_default())
                .map_err(unreachable)
        };
        let refuse = |setting, found: &str, wanted| ConnectError::Setting {
            address: address.clone(),
            setting,
            found: found.to_owned(),
            wanted,
        };
        let policy = setting("maxmemory-policy").await?;
        if policy != "noeviction" {
            return Err(refuse("maxmemory-policy", &policy, "noeviction"));
        }
        let append_only = setting("appendonly").await?;
        let fsync = setting("appendfsync").await?;
        let durability = match (append_only.as_str(), fsync.as_str()) {
            ("yes", "always") => Durability::Fsync,
            _ if relaxed => Durability::Relaxed,
            ("yes", found) => {
                return Err(refuse(
                    "appendfsync",
                    found,
                    "always, or accept less with TRIBUTARY_DURABILITY=relaxed",
                ));
            }
            (found, _) => {
                return Err(refuse(
                    "appendonly",
                    found,
                    "yes, or accept less with TRIBUTARY_DURABILITY=relaxed",
                ));
            }
        };
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
