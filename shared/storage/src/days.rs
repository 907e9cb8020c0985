//! Day tables of `events`: made ahead, dropped when their time is over.

use std::{collections::BTreeSet, sync::Mutex};

use chrono::{Days, NaiveDate};
use sqlx::AssertSqlSafe;
use tributary_model::Time;

use crate::{EventRow, Storage, StorageError, convert, pool::within};

/// Makes one process at a time create tables; any constant will do that no other program on this database takes.
const LOCK: i64 = 0x7472_6962_6461_7973;

/// The days whose tables this process has seen, so that a flush does not ask for them every time.
#[derive(Debug, Default)]
pub(crate) struct KnownDays(Mutex<BTreeSet<NaiveDate>>);

impl KnownDays {
    fn missing(&self, days: impl IntoIterator<Item = NaiveDate>) -> BTreeSet<NaiveDate> {
        let known = self.0.lock().unwrap_or_else(|broken| broken.into_inner());
        days.into_iter().filter(|day| !known.contains(day)).collect()
    }

    fn remember(&self, days: BTreeSet<NaiveDate>) {
        self.0.lock().unwrap_or_else(|broken| broken.into_inner()).extend(days);
    }

    /// After a refusal: somebody may have dropped a table that was there.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(|broken| broken.into_inner()).clear();
    }
}

impl Storage {
    /// Makes the tables for the day of `now` and the `ahead` days after it. Called at start and every few hours, so that
    /// no flush has to wait for the lock that making a table takes.
    pub async fn ensure_event_days(&self, now: Time, ahead: u16) -> Result<(), StorageError> {
        let today = day_of(now)?;
        let days = (0..=u64::from(ahead)).filter_map(|n| today.checked_add_days(Days::new(n)));
        self.make_days(self.days.missing(days)).await
    }

    /// Drops the tables of all days before that of `oldest`; returns how many. Rows there are gone for good.
    pub async fn drop_event_days_before(&self, oldest: Time) -> Result<u64, StorageError> {
        let first_kept = table_of(day_of(oldest)?);
        within(async {
            let old: Vec<String> = sqlx::query_scalar(
                "SELECT child.relname::text FROM pg_inherits \
                 JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid \
                 WHERE pg_inherits.inhparent = 'events'::regclass AND child.relname::text COLLATE \"C\" < $1 \
                 ORDER BY 1",
            )
            .bind(first_kept)
            .fetch_all(&self.pool)
            .await?;
            for table in &old {
                sqlx::query(AssertSqlSafe(format!("DROP TABLE IF EXISTS \"{table}\"")))
                    .execute(&self.pool)
                    .await?;
            }
            self.days.forget();
            Ok(old.len() as u64)
        })
        .await
    }

    /// Makes the tables that these events need and that are not known to exist.
    pub(crate) async fn ensure_days_of(&self, events: &[EventRow]) -> Result<(), StorageError> {
        let days = events.iter().map(|event| day_of(event.received)).collect::<Result<BTreeSet<_>, _>>()?;
        self.make_days(self.days.missing(days)).await
    }

    async fn make_days(&self, days: BTreeSet<NaiveDate>) -> Result<(), StorageError> {
        if days.is_empty() {
            return Ok(());
        }
        within(async {
            let mut tx = self.pool.begin().await?;
            // IF NOT EXISTS alone is not enough: two sessions that both find nothing both try, and one fails.
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await?;
            for day in &days {
                sqlx::query(AssertSqlSafe(statement(*day)?)).execute(&mut *tx).await?;
            }
            tx.commit().await?;
            Ok(())
        })
        .await?;
        self.days.remember(days);
        Ok(())
    }
}

/// Names and bounds are made of a date's digits: nothing here comes from outside.
fn statement(day: NaiveDate) -> Result<String, StorageError> {
    let next = day.succ_opt().ok_or_else(|| StorageError::data("the last of all days has no table"))?;
    let table = table_of(day);
    Ok(format!(
        "CREATE TABLE IF NOT EXISTS {table} PARTITION OF events \
         FOR VALUES FROM ('{day} 00:00:00+00') TO ('{next} 00:00:00+00')"
    ))
}

fn table_of(day: NaiveDate) -> String {
    format!("events_{}", day.format("%Y%m%d"))
}

fn day_of(time: Time) -> Result<NaiveDate, StorageError> {
    Ok(convert::timestamp(time)?.date_naive())
}
