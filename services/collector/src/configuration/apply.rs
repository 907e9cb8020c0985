//! From documents to a revision: plan, judge, append.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tributary_config::{Document, DocumentChange, Plan, Revision, number_of, plan_for};
use tributary_storage::{NewRevision, RevisionRow};

use super::{Configuration, ConfigurationError, Kept, judge};

/// How often a revision is built anew because another one came first. Each time somebody else has succeeded.
const ATTEMPTS: usize = 20;

/// How long to wait while other documents are checked.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the history says of a revision that changes nothing: the one that it repeats could not be run by anybody.
const AGAIN: &str = "the same with a new number";

/// What is to be configured.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    /// Whose documents are meant.
    pub(crate) tenants: BTreeSet<String>,
    /// All theirs.
    pub(crate) documents: Vec<Document>,
    /// What they have configured beside these goes.
    pub(crate) prune: bool,
    /// Only says what would change.
    pub(crate) dry_run: bool,
    /// The revision that must be in force; empty: any.
    pub(crate) base: String,
    /// For the history.
    pub(crate) note: String,
}

/// What was configured.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) changes: Vec<DocumentChange>,
    pub(crate) unchanged: usize,
    pub(crate) kept: usize,
    /// The revision now in force; that of number 0 where there is none.
    pub(crate) revision: Kept,
}

impl Configuration {
    /// Makes the documents the configuration of their tenants, or says what that would change.
    ///
    /// Reads the newest revision, builds the next one on it, and appends that if the newest still is; so a check may take its
    /// time and no transaction of Postgres is open meanwhile.
    pub(crate) async fn apply(&self, intent: Intent) -> Result<Applied, ConfigurationError> {
        let (turn, intent) = (Arc::new(take_turn(&self.turn).await?), Arc::new(intent));
        for _ in 0..ATTEMPTS {
            let current = self.newest().await?;
            if !intent.base.is_empty() && !current.is_called(&intent.base) {
                return Err(ConfigurationError::Changed(current.id));
            }
            let (planned, current) = planned(current, intent.clone(), turn.clone()).await?;
            let Plan { changes, unchanged, kept, documents } = planned;
            let as_it_was = intent.dry_run || changes.is_empty() && !self.is_overtaken(&current).await?;
            if as_it_was {
                return Ok(Applied { changes, unchanged, kept, revision: current });
            }
            let next = self.next(current.number, documents).await?;
            let made = Made::of(&intent, &changes);
            if self.append(current.number, &next, made).await? {
                let revision = Kept { number: next.number, id: next.id(), documents: next.documents };
                tracing::info!(
                    revision = revision.id,
                    changes = changes.len(),
                    "a configuration was applied"
                );
                return Ok(Applied { changes, unchanged, kept, revision });
            }
        }
        Err(ConfigurationError::Busy)
    }

    /// The revision that follows `base`. Should Redis or a stage have a newer one than Postgres, which was then set back to an
    /// earlier state, its number is exceeded too: stages take nothing that is older than what they run, and one number with two
    /// contents could not be told apart. So nothing is appended while Redis is away.
    pub(super) async fn next(
        &self,
        base: u64,
        documents: Vec<Document>,
    ) -> Result<Revision, ConfigurationError> {
        Ok(Revision::new(base.max(self.known_to_stages().await?) + 1, documents))
    }

    /// Keeps the revision if the newest one is still `base`.
    pub(super) async fn append(
        &self,
        base: u64,
        next: &Revision,
        made: Made<'_>,
    ) -> Result<bool, ConfigurationError> {
        let new = NewRevision {
            row: RevisionRow { number: next.number, id: next.id(), documents: json(&next.documents) },
            note: made.note.to_owned(),
            tenants: made.tenants.into_iter().map(str::to_owned).collect(),
            changes: json(made.changes),
        };
        Ok(self.storage.append_revision(base, &new).await?)
    }
}

/// What the history says of a revision.
pub(super) struct Made<'a> {
    /// In whose history it stands.
    pub(super) tenants: BTreeSet<&'a str>,
    pub(super) changes: &'a [DocumentChange],
    pub(super) note: &'a str,
}

impl<'a> Made<'a> {
    fn of(intent: &'a Intent, changes: &'a [DocumentChange]) -> Self {
        let again = changes.is_empty() && intent.note.is_empty();
        let note = if again { AGAIN } else { &intent.note };
        let mut tenants: BTreeSet<&str> = changes.iter().map(|change| change.tenant.as_str()).collect();
        if changes.is_empty() {
            tenants.extend(intent.tenants.iter().map(String::as_str));
        }
        Self { tenants, changes, note }
    }
}

impl Kept {
    /// Whether this is the revision of that name, or number.
    pub(super) fn is_called(&self, revision: &str) -> bool {
        let whole = revision.contains('-');
        if whole { self.id == revision } else { self.number > 0 && number_of(revision) == Some(self.number) }
    }
}

/// Waits for the checks that came before, and not for long: the caller had better know that it has to come again.
async fn take_turn(turn: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ConfigurationError> {
    let turn = timeout(PATIENCE, turn.clone().acquire_owned()).await;
    turn.ok().and_then(Result::ok).ok_or(ConfigurationError::Busy)
}

/// The plan, if what comes of it is right. Compiles every expression of the tenants: not for a thread that serves calls. The
/// turn ends with it, also when the caller has gone.
async fn planned(
    current: Kept,
    intent: Arc<Intent>,
    turn: Arc<OwnedSemaphorePermit>,
) -> Result<(Plan, Kept), ConfigurationError> {
    let checking = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let Intent { tenants, documents, prune, .. } = &*intent;
        let plan = plan_for(tenants, &current.documents, documents, *prune);
        judge::judge(&current, &intent, &plan)?;
        Ok((plan, current))
    });
    checking.await.map_err(|_| ConfigurationError::Panicked)?
}

fn json(value: &(impl serde::Serialize + ?Sized)) -> serde_json::Value {
    serde_json::to_value(value).expect("texts, numbers and JSON values are always JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_for_its_turn_is_told_to_come_again() {
        let turns = Arc::new(Semaphore::new(1));
        let first = take_turn(&turns).await.unwrap();
        assert!(matches!(take_turn(&turns).await, Err(ConfigurationError::Busy)));
        drop(first);
        assert!(take_turn(&turns).await.is_ok());
    }

    #[test]
    fn a_revision_is_called_by_its_number_or_its_whole_name() {
        let kept = Kept { number: 12, id: "12-3fa9c1d2".to_owned(), documents: Vec::new() };
        assert!(kept.is_called("12") && kept.is_called("12-3fa9c1d2"));
        for other in ["1", "12-", "12-3fa9c1d3", "12-3fa9", "13", "x"] {
            assert!(!kept.is_called(other), "{other}");
        }
        assert!(!Kept::default().is_called("0"), "before the first nothing has a name");
    }
}
