//! Redis keeps what it acknowledged, and tells it to nobody else.

use std::{fs, os::unix::fs::PermissionsExt as _};

use tributary_servers::{EvictionPolicy, Redis, RedisOptions};

use crate::scratch;

#[tokio::test]
async fn what_redis_acknowledged_survives_a_kill() -> anyhow::Result<()> {
    let dir = scratch();
    let server = Redis::start(&dir.path().join("redis"), RedisOptions::default()).await?;
    let before = server.url();
    ask(&before, &["SET", "name", "value"]).await?;

    server.kill();
    assert!(ask(&before, &["GET", "name"]).await.is_err(), "a killed server answers nothing");
    server.restart().await?;

    assert_eq!(server.url(), before);
    assert_eq!(ask(&before, &["GET", "name"]).await?, "value");
    Ok(())
}

#[tokio::test]
async fn redis_is_started_to_lose_and_evict_nothing() -> anyhow::Result<()> {
    let dir = scratch();
    let server = Redis::start(&dir.path().join("redis"), RedisOptions::default()).await?;
    for (setting, wanted) in
        [("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "noeviction"), ("save", "")]
    {
        assert_eq!(configured(&server, setting).await?, wanted, "{setting}");
    }
    Ok(())
}

#[tokio::test]
async fn options_reach_redis() -> anyhow::Result<()> {
    let dir = scratch();
    let options = RedisOptions {
        policy: EvictionPolicy::AllKeysLru,
        args: vec!["--maxmemory".into(), "64mb".into()],
        ..RedisOptions::default()
    };
    let server = Redis::start(&dir.path().join("redis"), options).await?;
    assert_eq!(configured(&server, "maxmemory-policy").await?, "allkeys-lru");
    assert_eq!(configured(&server, "maxmemory").await?, (64 * 1024 * 1024).to_string());
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_is_reported_with_the_log() -> anyhow::Result<()> {
    let dir = scratch();
    let first = Redis::start(&dir.path().join("first"), RedisOptions::default()).await?;
    let options = RedisOptions { port: Some(first.port()), ..RedisOptions::default() };
    let error =
        Redis::start(&dir.path().join("second"), options).await.expect_err("the port is taken").to_string();
    assert!(error.contains("Address already in use"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_stopped_redis_is_gone_and_comes_back() -> anyhow::Result<()> {
    let dir = scratch();
    let server = Redis::start(&dir.path().join("redis"), RedisOptions::default()).await?;
    server.stop().await;
    assert!(server.process().ended().is_some());
    server.restart().await?;
    assert!(server.process().ended().is_none());
    Ok(())
}

#[tokio::test]
async fn nobody_gets_an_answer_without_the_password_and_nobody_can_see_it() -> anyhow::Result<()> {
    let dir = scratch();
    let server = Redis::start(&dir.path().join("redis"), RedisOptions::default()).await?;
    let url = server.url();
    let password = url.split([':', '@']).nth(2).unwrap_or_default();
    assert!(password.len() > 40, "{password}");

    let refusal = ask(&format!("redis://127.0.0.1:{}/", server.port()), &["GET", "name"]).await.unwrap_err();
    assert!(refusal.to_string().to_lowercase().contains("auth"), "{refusal}");

    let arguments = fs::read_to_string(format!("/proc/{}/cmdline", server.process().pid()))?;
    let shown = format!("{server:?}{arguments}");
    assert!(!shown.contains(password), "{shown}");
    let file = dir.path().join("redis/redis.conf");
    assert!(fs::read_to_string(&file)?.contains(password));
    assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    Ok(())
}

async fn configured(server: &Redis, setting: &str) -> anyhow::Result<String> {
    let client = redis::Client::open(server.url())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let (_, value): (String, String) =
        redis::cmd("CONFIG").arg("GET").arg(setting).query_async(&mut connection).await?;
    Ok(value)
}

async fn ask(url: &str, words: &[&str]) -> anyhow::Result<String> {
    let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    Ok(command.query_async(&mut connection).await?)
}
