//! Postgres: private, never root, the same after a crash.

use sqlx::{Connection as _, Executor as _, PgConnection};
use std::{fs, os::unix::fs::MetadataExt as _};
use tributary_servers::{Postgres, PostgresOptions};

use crate::scratch;

#[tokio::test]
async fn what_postgres_committed_survives_a_kill_and_each_test_has_its_database() -> anyhow::Result<()> {
    let dir = scratch();
    let server = Postgres::start(&dir.path().join("postgres"), PostgresOptions::default()).await?;
    let first = server.create_database("first").await?;
    let second = server.create_database("second").await?;
    let mut connection = PgConnection::connect(&first).await?;
    connection.execute("CREATE TABLE facts (fact TEXT); INSERT INTO facts VALUES ('kept')").await?;

    server.kill();
    assert!(PgConnection::connect(&first).await.is_err(), "a killed server answers nothing");
    server.restart().await?;

    let mut connection = PgConnection::connect(&first).await?;
    let fact: String = sqlx::query_scalar("SELECT fact FROM facts").fetch_one(&mut connection).await?;
    assert_eq!(fact, "kept");
    let mut other = PgConnection::connect(&second).await?;
    assert!(other.execute("SELECT * FROM facts").await.is_err(), "databases share nothing");
    Ok(())
}

#[tokio::test]
async fn postgres_listens_on_no_network_and_does_not_run_as_root() -> anyhow::Result<()> {
    let dir = scratch();
    let server = Postgres::start(&dir.path().join("postgres"), PostgresOptions::default()).await?;
    let mut connection = PgConnection::connect(&server.url()).await?;
    let shown = |name: &str| format!("SELECT current_setting('{name}')");
    for (name, wanted) in
        [("listen_addresses", ""), ("server_encoding", "UTF8"), ("lc_collate", "C"), ("fsync", "on")]
    {
        let value: String =
            sqlx::query_scalar(sqlx::AssertSqlSafe(shown(name))).fetch_one(&mut connection).await?;
        assert_eq!(value, wanted, "{name}");
    }
    let owner = fs::metadata(format!("/proc/{}", server.process().pid()))?.uid();
    assert_ne!(owner, 0, "Postgres runs as root");
    Ok(())
}

#[tokio::test]
async fn a_second_start_finds_the_data_of_the_first_even_below_a_long_path() -> anyhow::Result<()> {
    let dir = scratch();
    let long =
        dir.path().join("a-folder-whose-name-is-so-long-that-no-socket-fits-below-it-any-more".repeat(2));
    let server =
        Postgres::start(&long, PostgresOptions { fsync: false, ..PostgresOptions::default() }).await?;
    server.create_database("remembered").await?;
    server.stop().await;
    drop(server);

    let server = Postgres::start(&long, PostgresOptions::default()).await?;
    let error = server.create_database("remembered").await.expect_err("it is there already").to_string();
    assert!(error.contains("already exists"), "{error}");
    Ok(())
}

#[tokio::test]
async fn data_of_another_version_is_refused_with_advice() -> anyhow::Result<()> {
    let dir = scratch();
    let data = dir.path().join("postgres/data");
    fs::create_dir_all(&data)?;
    fs::write(data.join("PG_VERSION"), "9\n")?;
    let outcome = Postgres::start(&dir.path().join("postgres"), PostgresOptions::default()).await;
    let error = outcome.expect_err("version 9 is not installed").to_string();
    assert!(error.contains("PostgreSQL 9"), "{error}");
    Ok(())
}
