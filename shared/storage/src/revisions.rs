//! Table `config_revisions`: every revision of the configuration, whole. What a document or a change looks like is not known
//! here.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use sqlx::{Row as _, types::Json};
use tributary_model::Time;

use crate::{Storage, StorageError, convert, pool::within};

/// Makes one process at a time append; any constant will do that no other program on this database takes.
const LOCK: i64 = 0x7472_6962_636f_6e66;

/// A revision's documents.
#[derive(Debug, Clone, PartialEq)]
pub struct RevisionRow {
    /// From 1; later ones have greater numbers.
    pub number: u64,
    /// The number and the beginning of the documents' digest.
    pub id: String,
    /// All documents of all tenants.
    pub documents: Value,
}

/// A revision to be appended. Its texts have no U+0000: Postgres could not hold them.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRevision {
    /// Number, id and documents.
    pub row: RevisionRow,
    /// Why it was made, in the words of who made it.
    pub note: String,
    /// Whose documents it changes.
    pub tenants: Vec<String>,
    /// What it changes. For people: U+0000 becomes U+FFFD.
    pub changes: Value,
}

/// A revision as the history tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRevision {
    /// From 1.
    pub number: u64,
    /// The number and the beginning of the documents' digest.
    pub id: String,
    /// When it was appended, by the clock of Postgres.
    pub created: Time,
    /// Why it was made.
    pub note: String,
    /// What it changed, of all tenants.
    pub changes: Value,
}

/// One page of the history.
#[derive(Debug, Clone, PartialEq)]
pub struct RevisionPage {
    /// Newest first.
    pub revisions: Vec<PastRevision>,
    /// Where the next page begins; `None` on the last one.
    pub next_page_token: Option<String>,
}

impl Storage {
    /// The newest revision's number; `None` before the first.
    pub async fn newest_revision_number(&self) -> Result<Option<u64>, StorageError> {
        within(async {
            let newest: Option<i64> =
                sqlx::query_scalar("SELECT max(number) FROM config_revisions").fetch_one(&self.pool).await?;
            newest.map(number).transpose()
        })
        .await
    }

    /// The newest revision; `None` before the first.
    pub async fn newest_revision(&self) -> Result<Option<RevisionRow>, StorageError> {
        self.one_revision(None).await
    }

    /// The revision of that number.
    pub async fn revision(&self, number: u64) -> Result<Option<RevisionRow>, StorageError> {
        // No row has a number that no column could hold.
        self.one_revision(Some(i64::try_from(number).unwrap_or(-1))).await
    }

    /// The names of those of these revisions that exist.
    pub async fn revision_ids(&self, numbers: &[u64]) -> Result<HashMap<u64, String>, StorageError> {
        let numbers: Vec<i64> = numbers.iter().filter_map(|number| i64::try_from(*number).ok()).collect();
        within(async {
            let rows: Vec<(i64, String)> =
                sqlx::query_as("SELECT number, id FROM config_revisions WHERE number = ANY($1)")
                    .bind(numbers)
                    .fetch_all(&self.pool)
                    .await?;
            rows.into_iter().map(|(column, id)| Ok((number(column)?, id))).collect()
        })
        .await
    }

    /// Appends a revision that was built on `base`, the newest one's number (0 before the first). False where another one has
    /// been appended meanwhile: nothing is written, and the caller builds anew. Two calls at once never build on the same base.
    pub async fn append_revision(&self, base: u64, new: &NewRevision) -> Result<bool, StorageError> {
        within(async {
            let mut tx = self.pool.begin().await?;
            // Without it both could see the same newest one; numbers need not follow each other without a gap, so the key
            // alone would not tell.
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await?;
            let newest: Option<i64> =
                sqlx::query_scalar("SELECT max(number) FROM config_revisions").fetch_one(&mut *tx).await?;
            if newest.map(number).transpose()?.unwrap_or_default() != base {
                return Ok(false);
            }
            sqlx::query(
                "INSERT INTO config_revisions (number, id, note, tenants, documents, changes) \
                 VALUES ($1, $2, $3, $4, $5, $6::jsonb)",
            )
            .bind(i64::try_from(new.row.number).map_err(|_| StorageError::data("a number is out of range"))?)
            .bind(&new.row.id)
            .bind(&new.note)
            .bind(&new.tenants)
            .bind(Json(&new.row.documents))
            .bind(convert::shown_value(&new.changes))
            .execute(&mut *tx)
            .await?;
            tx.commit().await.map_err(StorageError::of_commit)?;
            Ok(true)
        })
        .await
    }

    /// The revisions that changed documents of any of `tenants`, newest first; `page_size` 1 to 1000. The token is that of the
    /// page before, empty for the first.
    pub async fn list_revisions(
        &self,
        tenants: &[String],
        page_size: u16,
        page_token: &str,
    ) -> Result<RevisionPage, StorageError> {
        let page_size = usize::from(page_size.clamp(1, 1000));
        let below = if page_token.is_empty() { i64::MAX } else { from_token(page_token)? };
        within(async {
            let rows = sqlx::query(
                "SELECT number, id, created, note, changes FROM config_revisions \
                 WHERE tenants && $1 AND number < $2 ORDER BY number DESC LIMIT $3",
            )
            .bind(tenants)
            .bind(below)
            .bind(i64::try_from(page_size + 1).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
            let more = rows.len() > page_size;
            let revisions = rows
                .iter()
                .take(page_size)
                .map(|row| {
                    Ok(PastRevision {
                        number: number(row.try_get("number")?)?,
                        id: row.try_get("id")?,
                        created: convert::time(row.try_get::<DateTime<Utc>, _>("created")?),
                        note: row.try_get("note")?,
                        changes: row.try_get::<Json<Value>, _>("changes")?.0,
                    })
                })
                .collect::<Result<Vec<_>, StorageError>>()?;
            let next_page_token = revisions.last().filter(|_| more).map(|last| token(last.number));
            Ok(RevisionPage { revisions, next_page_token })
        })
        .await
    }

    async fn one_revision(&self, number: Option<i64>) -> Result<Option<RevisionRow>, StorageError> {
        within(async {
            let row = sqlx::query(
                "SELECT number, id, documents FROM config_revisions \
                 WHERE number = coalesce($1, (SELECT max(number) FROM config_revisions))",
            )
            .bind(number)
            .fetch_optional(&self.pool)
            .await?;
            let Some(row) = row else { return Ok(None) };
            Ok(Some(RevisionRow {
                number: self::number(row.try_get("number")?)?,
                id: row.try_get("id")?,
                documents: row.try_get::<Json<Value>, _>("documents")?.0,
            }))
        })
        .await
    }
}

fn number(column: i64) -> Result<u64, StorageError> {
    u64::try_from(column).map_err(|_| StorageError::data("a revision's number is negative"))
}

fn token(number: u64) -> String {
    BASE64URL_NOPAD.encode(format!("r{number}").as_bytes())
}

fn from_token(token: &str) -> Result<i64, StorageError> {
    let parse = || {
        let text = String::from_utf8(BASE64URL_NOPAD.decode(token.as_bytes()).ok()?).ok()?;
        text.strip_prefix('r')?.parse().ok().filter(|number| *number > 0)
    };
    parse().ok_or(StorageError::PageToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_the_place_it_was_made_of_and_a_forged_one_names_none() {
        assert_eq!(from_token(&token(12)).ok(), Some(12));
        for forged in ["x", "ÄÖ", &BASE64URL_NOPAD.encode(b"12"), &BASE64URL_NOPAD.encode(b"r-1")] {
            assert!(matches!(from_token(forged), Err(StorageError::PageToken)), "{forged}");
        }
    }
}
