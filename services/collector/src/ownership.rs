//! Which partitions this process owns (docs/protocol.md §3): none before the database is laid out, then its share.

use std::{sync::Arc, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;
use tributary_storage::{Storage, StorageError};
use tributary_streams::{Ownership, own};

use crate::owner::{self, Lost, Partitions};

/// How soon to try again while Postgres is away.
const AGAIN: Duration = Duration::from_millis(500);

/// Lays the database out, then owns partitions until the process stops and all of them are handed over.
pub(crate) async fn run(
    partitions: Arc<Partitions>,
    ownership: Ownership,
    database: SecretString,
    stopping: CancellationToken,
) -> anyhow::Result<()> {
    let storage = &partitions.storage;
    let Some(laid_out) =
        stopping.run_until_cancelled(lay_out(storage, &database, ownership.partitions)).await
    else {
        return Ok(());
    };
    laid_out?;

    // Postgres remembers epochs that Redis may have forgotten; the next one has to exceed both.
    let least_epoch = |p| async move { storage.read_epoch(p).await.map_err(Lost::from) };
    let work = |held| owner::run(partitions.clone(), held);
    own(partitions.redis.clone(), ownership, stopping, least_epoch, work).await;
    Ok(())
}

/// Makes the schema and the rows of the partitions, unless another collector was first. Waits for Postgres; fails where
/// waiting does not help.
async fn lay_out(storage: &Storage, database: &SecretString, partitions: u16) -> Result<(), StorageError> {
    let mut waiting = false;
    loop {
        match attempt(storage, database, partitions).await {
            Ok(()) => return Ok(()),
            Err(
                error @ (StorageError::OtherDeployment { .. }
                | StorageError::Migration { .. }
                | StorageError::Address { .. }),
            ) => return Err(error),
            Err(error) if waiting => tracing::debug!(%error, "the database is still not laid out"),
            Err(error) => tracing::warn!(%error, "the database cannot be laid out now; trying again"),
        }
        waiting = true;
        tokio::time::sleep(AGAIN).await;
    }
}

async fn attempt(storage: &Storage, database: &SecretString, partitions: u16) -> Result<(), StorageError> {
    tributary_storage::migrate(database.expose_secret()).await?;
    storage.ensure_deployment(partitions).await
}
