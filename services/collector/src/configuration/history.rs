//! Earlier revisions: read as they were, listed, and gone back to.

use tributary_config::{DocumentChange, number_of};
use tributary_proto::v1;
use tributary_storage::{PastRevision, RevisionPage, StorageError};

use super::{Configuration, ConfigurationError, Intent, Kept, request::checked_note};

/// A revision of the history, with what it changed of some tenants.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) revision: PastRevision,
    pub(crate) changes: Vec<DocumentChange>,
}

impl Configuration {
    /// The revision of that name or number; the one in force where `revision` is empty, of number 0 before the first.
    pub(crate) async fn at(&self, revision: &str) -> Result<Kept, ConfigurationError> {
        if revision.is_empty() {
            return self.newest().await;
        }
        let unknown = || ConfigurationError::NoRevision(revision.chars().take(64).collect());
        let number = number_of(revision).ok_or_else(unknown)?;
        let row = self.storage.revision(number).await?.ok_or_else(unknown)?;
        let kept = Kept::of(row)?;
        if kept.is_called(revision) { Ok(kept) } else { Err(unknown()) }
    }

    /// The revisions that changed something of these tenants, newest first, and where the next page begins.
    pub(crate) async fn past(
        &self,
        tenants: &[String],
        page_size: u16,
        page_token: &str,
    ) -> Result<(Vec<Past>, Option<String>), ConfigurationError> {
        let RevisionPage { revisions, next_page_token } =
            self.storage.list_revisions(tenants, page_size, page_token).await?;
        let past = revisions.into_iter().map(|mut revision| {
            let changes = std::mem::take(&mut revision.changes);
            let mut changes: Vec<DocumentChange> =
                serde_json::from_value(changes).map_err(|_| StorageError::Data {
                    reason: format!(
                        "the changes of revision {} are not what this version writes",
                        revision.id
                    ),
                })?;
            changes.retain(|change| tenants.contains(&change.tenant));
            Ok(Past { revision, changes })
        });
        Ok((past.collect::<Result<_, ConfigurationError>>()?, next_page_token))
    }

    /// What makes the documents of these tenants those of an earlier revision.
    pub(crate) async fn back_to(
        &self,
        request: v1::RollbackRequest,
        tenants: &[String],
    ) -> Result<Intent, ConfigurationError> {
        let v1::RollbackRequest { revision, dry_run, wait: _, note, base_revision } = request;
        if revision.is_empty() {
            return Err(ConfigurationError::Request {
                field: "revision",
                reason: "which revision to go back to".to_owned(),
            });
        }
        checked_note(&note)?;
        let earlier = self.at(&revision).await?;
        Ok(Intent {
            tenants: tenants.iter().cloned().collect(),
            documents: earlier.of_tenants(tenants).into_iter().cloned().collect(),
            prune: true,
            dry_run,
            base: base_revision,
            note: if note.is_empty() { format!("back to revision {}", earlier.id) } else { note },
        })
    }
}
