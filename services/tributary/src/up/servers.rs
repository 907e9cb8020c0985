//! Redis and Postgres: those that were given, or private ones.

use anyhow::bail;
use std::env;
use tributary_servers::{Postgres, PostgresOptions, Process, Redis, RedisOptions};

use super::folder::Folder;

/// Where the servers are, and those that were started here. A server that was given is used and never touched.
pub(super) struct Servers {
    pub(super) redis_url: String,
    pub(super) database_url: String,
    redis: Option<Redis>,
    postgres: Option<Postgres>,
}

impl Servers {
    pub(super) async fn start(folder: &Folder) -> anyhow::Result<Servers> {
        let (redis_url, redis) = match env::var("REDIS_URL") {
            Ok(given) => (given, None),
            Err(_) => {
                println!("starting Redis");
                let redis = Redis::start(&folder.path("redis"), RedisOptions::default()).await?;
                (redis.url(), Some(redis))
            }
        };
        let (database_url, postgres) = match env::var("DATABASE_URL") {
            Ok(given) => (given, None),
            Err(_) => {
                println!("starting Postgres");
                let postgres = Postgres::start(&folder.path("postgres"), PostgresOptions::default()).await?;
                (postgres.url(), Some(postgres))
            }
        };
        Ok(Servers { redis_url, database_url, redis, postgres })
    }

    /// What to tell people about each: its URL if it is private, and not a given one, which may hold a password.
    pub(super) fn shown(&self) -> [(&'static str, &str); 2] {
        let shown = |ours: bool, url| if ours { url } else { "as given" };
        [
            ("Redis", shown(self.redis.is_some(), &*self.redis_url)),
            ("Postgres", shown(self.postgres.is_some(), &*self.database_url)),
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
