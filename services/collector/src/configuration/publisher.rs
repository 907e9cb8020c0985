//! Redis has what Postgres has: a revision whose collector died between commit and publication is published by the next
//! collector that looks, and so is the newest one when Redis was emptied. Any number of collectors may look.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tributary_config::{Document, Revision};
use tributary_streams::StageReport;

use super::{Configuration, ConfigurationError, Kept};

const EVERY: Duration = Duration::from_secs(1);

/// Looks until the process stops; begins with `first` where there is no revision yet. Waits for Postgres and Redis.
pub(crate) async fn keep_published(
    configuration: Configuration,
    first: Option<Vec<Document>>,
    stopping: CancellationToken,
) -> anyhow::Result<()> {
    let (mut failing, mut lost) = (false, false);
    loop {
        let Some(looked) =
            stopping.run_until_cancelled(configuration.keep_published(first.as_deref(), &mut lost)).await
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
    /// `lost`: it is known, and was said, that Postgres lacks what the stages have.
    async fn keep_published(
        &self,
        first: Option<&[Document]>,
        lost: &mut bool,
    ) -> Result<(), ConfigurationError> {
        // In this order: what is published was in Postgres before.
        let known = self.known_to_stages().await?;
        let mut newest = self.storage.newest_revision_number().await?.unwrap_or_default();
        if newest == 0
            && known == 0
            && let Some(documents) = first
        {
            self.begin(documents).await?;
            newest = self.storage.newest_revision_number().await?.unwrap_or_default();
        }
        if newest < known && !*lost {
            tracing::error!(
                newest,
                known,
                "Postgres lacks a revision that stages have: it was emptied or set back; they run it until the next apply"
            );
        }
        *lost = newest < known;
        if newest > self.redis.newest_config().await?.unwrap_or_default() {
            let kept = self.newest().await?;
            if self.publish(&kept).await? {
                tracing::info!(revision = kept.id, "a revision was published that the stages did not have");
            }
        }
        Ok(())
    }

    /// Gives the stages a revision. False: what Redis holds under its number, or above, is something else.
    pub(super) async fn publish(&self, kept: &Kept) -> Result<bool, ConfigurationError> {
        let revision = Revision { number: kept.number, documents: kept.documents.clone() };
        let published = self.redis.publish_config(kept.number, &revision.to_bytes()).await?;
        Ok(published || self.holds(kept).await?)
    }

    /// Whether nobody will ever run this revision, which is the newest of Postgres: Redis or a stage has another one of that
    /// number, or a newer one.
    pub(super) async fn is_overtaken(&self, kept: &Kept) -> Result<bool, ConfigurationError> {
        if kept.number == 0 {
            return Ok(false);
        }
        let reports = self.redis.stage_reports().await?;
        let published = self.redis.newest_config().await?.unwrap_or_default();
        let other = |report: &StageReport| report.number == kept.number && report.revision != kept.id;
        Ok(known(published, &reports) > kept.number
            || reports.iter().any(other)
            || published == kept.number && !self.holds(kept).await?)
    }

    /// The greatest number that Redis has a revision of, or a live process runs.
    pub(super) async fn known_to_stages(&self) -> Result<u64, ConfigurationError> {
        let published = self.redis.newest_config().await?.unwrap_or_default();
        Ok(known(published, &self.redis.stage_reports().await?))
    }

    async fn holds(&self, kept: &Kept) -> Result<bool, ConfigurationError> {
        let bytes = self.redis.config_bytes(kept.number).await?;
        let held = bytes.and_then(|bytes| Revision::from_bytes(&bytes).ok());
        Ok(held.is_some_and(|held| held.documents == kept.documents))
    }
}

fn known(published: u64, reports: &[StageReport]) -> u64 {
    reports.iter().map(|report| report.number).fold(published, u64::max)
}
