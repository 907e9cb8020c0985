//! A Redis of the test's own, a connection of the crate to it, and a raw one for damage.

use redis::{FromRedisValue, aio::MultiplexedConnection};
use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, time::Duration};
use tempfile::TempDir;
use tributary_model::{PartitionId, StreamId, TenantId, Time};
use tributary_servers::RedisOptions;
use tributary_streams::{Fence, Redis, Stream};

/// The partition that tests use where one is enough.
pub(crate) const P: PartitionId = PartitionId(0);
/// Long enough for a loaded machine; what is waited for comes in milliseconds.
pub(crate) const SOON: Duration = Duration::from_secs(30);
/// A lease that does not end within a test.
pub(crate) const LONG: Duration = Duration::from_secs(600);

/// A test's server and its hands on it.
pub(crate) struct World {
    pub(crate) redis: Redis,
    url: String,
    pub(crate) server: tributary_servers::Redis,
    _dir: TempDir,
}

impl World {
    /// Without a file: what is tested here is what scripts do, not what survives.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(args: &[&str]) -> anyhow::Result<Self> {
        let dir = scratch()?;
        let args = ["--appendonly", "no"].iter().chain(args).map(|arg| (*arg).to_owned()).collect();
        let options = RedisOptions { args, ..RedisOptions::default() };
        let server = tributary_servers::Redis::start(&dir.path().join("redis"), options).await?;
        let redis = Redis::connect(&server.url(), true).await?;
        Ok(Self { redis, url: server.url(), server, _dir: dir })
    }

    /// Another process of the mesh.
    pub(crate) async fn another_process(&self) -> anyhow::Result<Redis> {
        Ok(Redis::connect(&self.url, true).await?)
    }

    /// Owns a partition for the rest of the test.
    pub(crate) async fn own(&self, stage: &'static str) -> anyhow::Result<Fence> {
        let fence = self.redis.acquire(P, stage, 0, LONG).await?;
        fence.ok_or_else(|| anyhow::anyhow!("the partition is held already"))
    }

    /// Takes a partition from the owner, who does not know of it: as after a pause longer than the lease.
    pub(crate) async fn take_over(&self, from: &Fence) -> anyhow::Result<Fence> {
        self.raw::<()>(&["HSET", &owner(from.stage), "until", "0"]).await?;
        self.own(from.stage).await
    }

    /// A command as typed.
    pub(crate) async fn raw<T: FromRedisValue>(&self, words: &[&str]) -> anyhow::Result<T> {
        let mut connection = self.raw_connection().await?;
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        Ok(command.query_async(&mut connection).await?)
    }

    async fn raw_connection(&self) -> anyhow::Result<MultiplexedConnection> {
        Ok(redis::Client::open(self.url.as_str())?.get_multiplexed_async_connection().await?)
    }

    /// How many entries a stream has.
    pub(crate) async fn length(&self, stream: Stream) -> anyhow::Result<usize> {
        self.raw(&["XLEN", &key(stream.name())]).await
    }

    /// The ids of all entries of a stream.
    pub(crate) async fn ids(&self, stream: Stream) -> anyhow::Result<Vec<StreamId>> {
        let entries = self.redis.tail(P, stream, StreamId::default(), 100_000).await?;
        Ok(entries.into_iter().map(|entry| entry.id).collect())
    }

    /// Everything that Redis holds: to show that a refusal left nothing behind.
    pub(crate) async fn everything(&self) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
        let mut keys: Vec<String> = self.raw(&["KEYS", "*"]).await?;
        keys.sort_unstable();
        let mut all = Vec::with_capacity(keys.len());
        for key in keys {
            let dump = self.raw(&["DUMP", &key]).await?;
            all.push((key, dump));
        }
        Ok(all)
    }
}

/// A key of the test's partition, spelled as it lies in Redis: what tests damage must not move with the code.
pub(crate) fn key(name: &str) -> String {
    format!("{{0}}:{name}")
}

pub(crate) fn owner(stage: &str) -> String {
    key(&format!("owner:{stage}"))
}

pub(crate) fn seen(event: &str) -> String {
    key(&format!("seen:demo:{event}"))
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("demo").expect("a word is an id")
}

pub(crate) fn now() -> Time {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let micros = since_1970.expect("the clock stands after 1970").as_micros();
    Time::from_micros(i64::try_from(micros).expect("the clock stands before the year 9999"))
}

/// A folder that also the account without rights, under which the server runs, can pass.
pub(crate) fn scratch() -> anyhow::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    Ok(builder.prefix("tributary-streams-").permissions(Permissions::from_mode(0o711)).tempdir()?)
}
