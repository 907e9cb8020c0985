//! What Redis must be before a stage relies on it.

use redis::RedisError;
use redis::aio::ConnectionManager;

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
    /// The server is too old.
    #[error("Redis at {address} is version {found}: 7.0 or newer is needed")]
    Version {
        /// Host and port, without credentials.
        address: String,
        /// What runs there.
        found: String,
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

/// Checks the version, `maxmemory-policy noeviction`, an append-only file, and `appendfsync always` unless `relaxed` is
/// accepted.
pub(crate) async fn check(
    connection: &mut ConnectionManager,
    address: &str,
    relaxed: bool,
) -> Result<Durability, ConnectError> {
    let version = version(connection).await.map_err(|error| unreachable(address, &error))?;
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < 7) {
        return Err(ConnectError::Version { address: address.to_owned(), found: version });
    }
    let refuse = |setting, found: &str, wanted| ConnectError::Setting {
        address: address.to_owned(),
        setting,
        found: found.to_owned(),
        wanted,
    };
    let policy = setting(connection, address, "maxmemory-policy").await?;
    if policy != "noeviction" {
        return Err(refuse("maxmemory-policy", &policy, "noeviction"));
    }
    let append_only = setting(connection, address, "appendonly").await?;
    let fsync = setting(connection, address, "appendfsync").await?;
    match (append_only.as_str(), fsync.as_str()) {
        ("yes", "always") => Ok(Durability::Fsync),
        _ if relaxed => Ok(Durability::Relaxed),
        ("yes", found) => {
            Err(refuse("appendfsync", found, "always, or accept less with TRIBUTARY_DURABILITY=relaxed"))
        }
        (found, _) => {
            Err(refuse("appendonly", found, "yes, or accept less with TRIBUTARY_DURABILITY=relaxed"))
        }
    }
}

/// Nobody answers, in words.
pub(crate) fn unreachable(address: &str, error: &RedisError) -> ConnectError {
    ConnectError::Unreachable { address: address.to_owned(), reason: error.to_string() }
}

async fn version(connection: &mut ConnectionManager) -> Result<String, RedisError> {
    let info: String = redis::cmd("INFO").arg("server").query_async(connection).await?;
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
    Ok(version.unwrap_or("unknown").to_owned())
}

async fn setting(
    connection: &mut ConnectionManager,
    address: &str,
    name: &'static str,
) -> Result<String, ConnectError> {
    let pair = redis::cmd("CONFIG").arg("GET").arg(name).query_async::<Vec<String>>(connection).await;
    Ok(pair.map_err(|error| unreachable(address, &error))?.into_iter().nth(1).unwrap_or_default())
}
