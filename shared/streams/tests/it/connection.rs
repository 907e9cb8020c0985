//! A stage does not start on a Redis that would break a promise (§10).

use crate::world::scratch;
use tributary_servers::{EvictionPolicy, Fsync, RedisOptions};
use tributary_streams::{ConnectError, Durability, Redis};

async fn connect(options: RedisOptions, relaxed: bool) -> anyhow::Result<Result<Durability, ConnectError>> {
    let dir = scratch()?;
    let server = tributary_servers::Redis::start(&dir.path().join("redis"), options).await?;
    Ok(Redis::connect(&server.url(), relaxed).await.map(|redis| redis.durability()))
}

fn refused_for(outcome: &Result<Durability, ConnectError>) -> &'static str {
    match outcome {
        Err(ConnectError::Setting { setting, .. }) => setting,
        _ => "nothing",
    }
}

#[tokio::test]
async fn a_redis_that_writes_before_it_answers_is_taken() -> anyhow::Result<()> {
    let outcome = connect(RedisOptions::default(), false).await?;
    assert!(matches!(outcome, Ok(Durability::Fsync)), "{outcome:?}");
    Ok(())
}

#[tokio::test]
async fn one_that_can_lose_seconds_is_taken_only_by_whoever_accepts_that() -> anyhow::Result<()> {
    let everysec = RedisOptions { fsync: Fsync::EverySecond, ..RedisOptions::default() };
    assert_eq!(refused_for(&connect(everysec.clone(), false).await?), "appendfsync");
    let accepted = connect(everysec, true).await?;
    assert!(matches!(accepted, Ok(Durability::Relaxed)), "{accepted:?}");

    let args = ["--appendonly", "no"].map(str::to_owned).into();
    let no_file = RedisOptions { args, ..RedisOptions::default() };
    assert_eq!(refused_for(&connect(no_file, false).await?), "appendonly");
    Ok(())
}

#[tokio::test]
async fn one_that_throws_things_away_is_never_taken() -> anyhow::Result<()> {
    let evicting = RedisOptions { policy: EvictionPolicy::AllKeysLru, ..RedisOptions::default() };
    assert_eq!(refused_for(&connect(evicting, true).await?), "maxmemory-policy");
    Ok(())
}

#[tokio::test]
async fn an_address_without_a_redis_is_reported_with_what_helps() {
    let refused = Redis::connect("redis://:a-secret@127.0.0.1:1/", false).await.map(|_| ());
    let message = refused.expect_err("nobody listens there").to_string();
    assert!(message.contains("127.0.0.1:1") && message.contains("REDIS_URL"), "{message}");
    assert!(!message.contains("a-secret"), "{message}");
}
