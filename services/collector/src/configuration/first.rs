//! The configuration that a new deployment begins with: the directory that `TRIBUTARY_CONFIG` names, as revision 1. Once there
//! is a revision, in Postgres, in Redis or in a running process, the directory means nothing any more.

use std::collections::BTreeSet;
use std::path::Path;

use tributary_config::{Config, ConfigErrors, Document, plan, read_directory};
use tributary_runtime::SettingsError;

use super::{Configuration, ConfigurationError, apply::Made};

/// What the history says of it.
const NOTE: &str = "the first configuration";

/// The documents of `dir`, checked. `None` where they are wrong and do not matter, since there is, or was, a revision.
///
/// # Errors
/// Everything that is wrong with them, where no revision is known.
pub(crate) async fn first(
    configuration: &Configuration,
    dir: &Path,
) -> Result<Option<Vec<Document>>, SettingsError> {
    let directory = dir.to_owned();
    let reading = tokio::task::spawn_blocking(move || read(&directory));
    let errors = match reading.await {
        Ok(Ok(documents)) => return Ok(Some(documents)),
        Ok(Err(errors)) => errors.to_string(),
        Err(_) => "reading it ended by a panic".to_owned(),
    };
    if configuration.is_known_to_exist().await {
        tracing::warn!(
            directory = %dir.display(),
            "TRIBUTARY_CONFIG is not looked at any more, and would be refused: there is a revision already"
        );
        return Ok(None);
    }
    Err(SettingsError::of("TRIBUTARY_CONFIG", format!("names a configuration that is wrong:\n{errors}")))
}

fn read(dir: &Path) -> Result<Vec<Document>, ConfigErrors> {
    // Says everything that is wrong at once, with Scenarios, which never become part of a revision.
    Config::load(dir)?;
    read_directory(dir)
}

impl Configuration {
    /// Appends the first revision; false where another one was first.
    pub(super) async fn begin(&self, documents: &[Document]) -> Result<bool, ConfigurationError> {
        let planned = plan(&[], documents, false);
        let first = self.next(0, planned.documents).await?;
        let tenants: BTreeSet<&str> = planned.changes.iter().map(|change| change.tenant.as_str()).collect();
        let made = Made { tenants: tenants.clone(), changes: &planned.changes, note: NOTE };
        let appended = self.append(0, &first, made).await?;
        if appended {
            tracing::info!(revision = first.id(), ?tenants, "the first configuration was applied");
        }
        Ok(appended)
    }

    async fn is_known_to_exist(&self) -> bool {
        let known = self.known_to_stages().await.is_ok_and(|newest| newest > 0);
        known || self.storage.newest_revision_number().await.is_ok_and(|newest| newest.is_some())
    }
}
