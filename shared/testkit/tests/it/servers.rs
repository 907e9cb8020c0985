//! Each test has servers that no other test sees.

use tributary_testkit::{Servers, ServersOptions};

#[tokio::test]
async fn two_tests_share_a_postgres_and_neither_a_database_nor_a_redis() -> anyhow::Result<()> {
    let (first, second) = tokio::try_join!(Servers::start(), Servers::start())?;
    assert_eq!(first.postgres().process().pid(), second.postgres().process().pid());
    assert_ne!(first.database_url(), second.database_url());
    assert_ne!(first.redis_url(), second.redis_url());
    Ok(())
}

#[tokio::test]
async fn a_test_that_kills_postgres_has_its_own() -> anyhow::Result<()> {
    let options = ServersOptions { own_postgres: true, ..ServersOptions::default() };
    let (own, shared) = tokio::try_join!(Servers::start_with(options), Servers::start())?;
    own.postgres().kill();
    assert!(shared.postgres().process().ended().is_none());
    own.postgres().restart().await?;
    Ok(())
}
