//! Connections: few, timed, and lazily opened where a stage must start without Postgres.

use std::{future::Future, str::FromStr, sync::Arc, time::Duration};

use sqlx::migrate::MigrateError;
use sqlx::{
    Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{StorageError, days::KnownDays};

/// How long a call waits for a free or new connection.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(2);

/// The server ends a statement after this time; shorter than the default lease, so that a stuck flush is over before
/// another owner could wait for its lock.
const STATEMENT_TIMEOUT: &str = "8s";

/// The server ends a transaction whose client fell silent: a stopped collector must not hold its partition's row lock.
const SILENT_TRANSACTION_TIMEOUT: &str = "8s";

/// The client's own bound around a call, for a server that does not answer at all.
const CALL_WITHIN: Duration = Duration::from_secs(12);

/// A handle on the database; clones share the connections.
#[derive(Clone, Debug)]
pub struct Storage {
    pub(crate) pool: PgPool,
    pub(crate) days: Arc<KnownDays>,
}

impl Storage {
    /// Opens the pool and one connection, to fail at once where the address is wrong.
    ///
    /// Prefer an address with a Unix socket (`postgres://user@localhost/db?host=/directory`): the driver leaves Nagle's
    /// algorithm on, which can hold a COPY over TCP back by 40 ms.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, StorageError> {
        let storage = Self::connect_lazy(url, max_connections)?;
        match storage.ping().await {
            // The pool says only that it waited in vain.
            Err(StorageError::Unavailable { .. }) => say_why(&address(url)?).await?,
            outcome => outcome?,
        }
        Ok(storage)
    }

    /// Opens the pool without a connection: a stage starts, and serves what it can, while Postgres is away.
    pub fn connect_lazy(url: &str, max_connections: u32) -> Result<Self, StorageError> {
        let pool = PgPoolOptions::new()
            .max_connections(max_connections.max(1))
            .acquire_timeout(ACQUIRE_WITHIN)
            .connect_lazy_with(options(url)?);
        Ok(Self { pool, days: Arc::default() })
    }

    /// Asks the server for an answer.
    pub async fn ping(&self) -> Result<(), StorageError> {
        within(async {
            sqlx::query("SELECT 1").execute(&self.pool).await?;
            Ok(())
        })
        .await
    }

    /// Closes all connections, waiting for those in use.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Brings the schema up to date. Safe to call from several processes at once: the migrator holds an advisory lock.
pub async fn migrate(url: &str) -> Result<(), StorageError> {
    // A migration may take its time: no statement timeout here.
    let address = address(url)?;
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(10));
    let pool = pool.connect_with(address).await?;
    let outcome = sqlx::migrate!("./migrations").run(&pool).await;
    pool.close().await;
    outcome.map_err(migration_failed)
}

/// A server that went away in the middle is worth another try; the migrator runs each migration in a transaction.
fn migration_failed(error: MigrateError) -> StorageError {
    let reason = error.to_string();
    match error {
        MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => match cause.into() {
            away @ StorageError::Unavailable { .. } => away,
            _ => StorageError::Migration { reason },
        },
        _ => StorageError::Migration { reason },
    }
}

/// Bounds a call: a server that accepts and never answers counts as away.
pub(crate) async fn within<T>(
    call: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, StorageError> {
    match tokio::time::timeout(CALL_WITHIN, call).await {
        Ok(outcome) => outcome,
        Err(_) => Err(StorageError::Unavailable { reason: format!("no answer within {CALL_WITHIN:?}") }),
    }
}

/// Tries once more, outside of the pool, for an error that says where nobody answers and why.
async fn say_why(address: &PgConnectOptions) -> Result<(), StorageError> {
    let reason = match tokio::time::timeout(ACQUIRE_WITHIN, PgConnection::connect_with(address)).await {
        Ok(Ok(connection)) => return Ok(connection.close().await?),
        Ok(Err(sqlx::Error::Io(error))) => error.to_string(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {ACQUIRE_WITHIN:?}"),
    };
    let place = match address.get_socket() {
        Some(socket) => format!("{} (a socket's folder, port {})", socket.display(), address.get_port()),
        None => format!("{}:{}", address.get_host(), address.get_port()),
    };
    let reason = format!(
        "nobody answers at {place}: start Postgres there, or set DATABASE_URL to where it runs ({reason})"
    );
    Err(StorageError::Unavailable { reason })
}

fn options(url: &str) -> Result<PgConnectOptions, StorageError> {
    Ok(address(url)?.application_name("tributary").options([
        ("statement_timeout", STATEMENT_TIMEOUT),
        ("idle_in_transaction_session_timeout", SILENT_TRANSACTION_TIMEOUT),
    ]))
}

fn address(url: &str) -> Result<PgConnectOptions, StorageError> {
    // The driver would take any scheme, and a swapped REDIS_URL would be found out much later.
    if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
        return Err(StorageError::Address {
            reason: "it begins with postgres:// or postgresql://".to_owned(),
        });
    }
    Ok(PgConnectOptions::from_str(url)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_goes_away_during_a_migration_is_away_and_the_schema_is_not_to_blame() {
        let lost = || sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert!(migration_failed(MigrateError::Execute(lost())).is_unavailable());
        assert!(migration_failed(MigrateError::ExecuteMigration(lost(), 1)).is_unavailable());
        let changed = migration_failed(MigrateError::VersionMismatch(1));
        assert!(matches!(changed, StorageError::Migration { .. }), "{changed}");
    }
}
