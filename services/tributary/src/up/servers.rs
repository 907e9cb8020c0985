//! Redis and Postgres: those that were given, or private ones.

use anyhow::bail;
use tributary_servers::{Postgres, PostgresOptions, Process, Redis, RedisOptions};

use super::folder::Folder;
use crate::environment::given;

/// Where the servers are, and those that were started here. A server that was given is used and never touched.
pub(super) struct Servers {
    pub(super) redis_url: String,
    pub(super) database_url: String,
    redis: Option<Redis>,
    postgres: Option<Postgres>,
}

impl Servers {
    pub(super) async fn start(folder: &Folder) -> anyhow::Result<Servers> {
        let (redis_url, redis) = match given("REDIS_URL") {
            Some(url) => (url, None),
            None => {
                println!("starting Redis");
                let redis = Redis::start(&folder.path("redis"), RedisOptions::default()).await?;
                (redis.url(), Some(redis))
            }
        };
        let (database_url, postgres) = match given("DATABASE_URL") {
            Some(url) => (url, None),
            None => {
                println!("starting Postgres");
                let postgres = Postgres::start(&folder.path("postgres"), PostgresOptions::default()).await?;
                (postgres.url(), Some(postgres))
            }
        };
        Ok(Servers { redis_url, database_url, redis, postgres })
    }

    /// What to tell people about each: where it is if it is private, but no password. A given URL may hold one.
    pub(super) fn shown(&self) -> [(&'static str, String); 2] {
        let as_given = || "as given".to_owned();
        let redis = |redis: &Redis| format!("127.0.0.1:{}, its password in .tributary/env", redis.port());
        [
            ("Redis", self.redis.as_ref().map_or_else(as_given, redis)),
            ("Postgres", self.postgres.as_ref().map_or_else(as_given, Postgres::url)),
        ]
    }

    /// An error as soon as a server started here has ended.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for process in self.processes() {
            if let Some(status) = process.ended() {
                bail!(process.ended_error(status));
            }
        }
        Ok(())
    }

    pub(super) async fn stop(&self) {
        if let Some(redis) = &self.redis {
            redis.stop().await;
        }
        if let Some(postgres) = &self.postgres {
            postgres.stop().await;
        }
    }

    fn processes(&self) -> impl Iterator<Item = &Process> {
        self.redis.iter().map(Redis::process).chain(self.postgres.iter().map(Postgres::process))
    }
}
