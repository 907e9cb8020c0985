//! Day tables of events: made ahead of time, dropped when their retention is over.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tributary_model::Time;
use tributary_storage::{Storage, StorageError};

use crate::wire;

/// How often to look. A day's table is there long before the day.
const EVERY: Duration = Duration::from_secs(3600);
/// How soon to look again after a failure.
const AGAIN: Duration = Duration::from_secs(10);
const DAYS_AHEAD: u16 = 3;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Looks after the day tables until the process stops. A failure is logged: flushes make the tables that they miss.
pub(crate) async fn run(
    storage: Storage,
    retention_days: u32,
    stopping: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        let pause = match look_after(&storage, retention_days, wire::now()).await {
            Ok(()) => EVERY,
            Err(error) => {
                tracing::warn!(%error, "the day tables of events could not be looked after");
                AGAIN
            }
        };
        if stopping.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return Ok(());
        }
    }
}

async fn look_after(storage: &Storage, retention_days: u32, now: Time) -> Result<(), StorageError> {
    storage.ensure_event_days(now, DAYS_AHEAD).await?;
    if retention_days > 0 {
        let dropped = storage.drop_event_days_before(now.minus(DAY * retention_days)).await?;
        if dropped > 0 {
            tracing::info!(dropped, "day tables of events are past their retention and were dropped");
        }
    }
    Ok(())
}
