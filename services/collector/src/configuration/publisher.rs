//! Redis has what Postgres has: a revision whose collector died between commit and publication is published by the next
//! collector that looks, and so is the newest one when Redis was emptied. Any number of collectors may look.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tributary_config::{Document, Revision};

use super::{Configuration, ConfigurationError, Kept};

const EVERY: Duration = Duration::from_secs(1);

/// Looks until the process stops; begins with `first` where there is no revision yet. Waits for Postgres and Redis.
pub(crate) async fn keep_published(
    configuration: Configuration,
    first: Option<Vec<Document>>,
    stopping: CancellationToken,
) -> anyhow::Result<()> {
    let mut failing = false;
    loop {
        let Some(looked) = stopping.run_until_cancelled(configuration.keep_published(first.as_deref())).await
        else {
            return Ok(());
        };
        let failure = looked.err().filter(|error| !error.is_of_a_start());
        // Once an outage.
        if let Some(error) = failure.as_ref().filter(|_| !failing) {
            tracing::warn!(%error, "cannot see whether the stages have the newest configuration; trying again");
        }
        failing = failure.is_some();
        if stopping.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            return Ok(());
        }
    }
}

impl Configuration {
    async fn keep_published(&self, first: Option<&[Document]>) -> Result<(), ConfigurationError> {
        let mut newest = self.storage.newest_revision_number().await?;
        if newest.is_none()
            && let Some(documents) = first
        {
            self.begin(documents).await?;
            newest = self.storage.newest_revision_number().await?;
        }
        if newest > self.redis.newest_config().await? {
            let kept = self.newest().await?;
            if self.publish(&kept).await? {
                tracing::info!(revision = kept.id, "a revision was published that the stages did not have");
            }
        }
        Ok(())
    }

    /// Gives the stages a revision; false where they have it, or a newer one.
    pub(super) async fn publish(&self, kept: &Kept) -> Result<bool, ConfigurationError> {
        let revision = Revision { number: kept.number, documents: kept.documents.clone() };
        Ok(self.redis.publish_config(kept.number, &revision.to_bytes()).await?)
    }
}
