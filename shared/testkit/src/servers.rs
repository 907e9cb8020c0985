//! Redis and Postgres for one test.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tributary_servers::{Postgres, PostgresOptions, Redis, RedisOptions};

use crate::scratch;

/// Starting Postgres takes a second or two, so the tests of a process share one and get a database each.
static SHARED: OnceCell<Arc<Postgres>> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// What a test's servers are to be like.
#[derive(Clone, Debug, Default)]
pub struct ServersOptions {
    /// How Redis is started.
    pub redis: RedisOptions,
    /// A Postgres that only this test uses, so that it may kill it.
    pub own_postgres: bool,
}

/// A Redis of the test's own, and an empty, migrated database of its own.
#[derive(Debug)]
pub struct Servers {
    redis: Redis,
    postgres: Arc<Postgres>,
    database_url: String,
    // Dropped last: the servers' data.
    folder: TempDir,
}

impl Servers {
    /// A private Redis, and a database on the Postgres that the process's tests share.
    ///
    /// # Errors
    /// When a server cannot be started or the database not migrated.
    pub async fn start() -> anyhow::Result<Servers> {
        Servers::start_with(ServersOptions::default()).await
    }

    /// The same, as `options` say.
    ///
    /// # Errors
    /// As [`Servers::start`].
    pub async fn start_with(options: ServersOptions) -> anyhow::Result<Servers> {
        let folder = scratch::folder();
        let redis = Redis::start(&folder.path().join("redis"), options.redis).await?;
        let (postgres, database_url) = if options.own_postgres {
            let postgres = Postgres::start(&folder.path().join("postgres"), fast()).await?;
            let url = postgres.url();
            (Arc::new(postgres), url)
        } else {
            let postgres = Arc::clone(SHARED.get_or_try_init(start_shared).await?);
            let number = DATABASES.fetch_add(1, Ordering::Relaxed);
            let url = postgres.create_database(&format!("test_{number}")).await?;
            (postgres, url)
        };
        tributary_storage::migrate(&database_url).await?;
        Ok(Servers { redis, postgres, database_url, folder })
    }

    /// The test's Redis.
    #[must_use]
    pub fn redis(&self) -> &Redis {
        &self.redis
    }

    /// The Postgres that holds the test's database. Shared, unless `own_postgres` was asked for: then it may be killed.
    #[must_use]
    pub fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    /// Where Redis is.
    #[must_use]
    pub fn redis_url(&self) -> String {
        self.redis.url()
    }

    /// Where the test's database is.
    #[must_use]
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

async fn start_shared() -> anyhow::Result<Arc<Postgres>> {
    Ok(Arc::new(Postgres::start(&scratch::ROOT.join("postgres"), fast()).await?))
}

/// Tests end processes, not machines: nothing is lost without fsync.
fn fast() -> PostgresOptions {
    PostgresOptions { fsync: false, max_connections: 500 }
}
