//! The flush: the one transaction that moves a partition forward.

use std::future::Future;

use sqlx::{Connection as _, PgConnection};
use tributary_model::{PartitionId, StreamId};

use crate::{
    DeadRow, EventRow, OriginRow, Positions, ProfileRow, SessionRow, Storage, StorageError, dead_letters,
    events, partitions, pool::within,
};

/// Everything that one flush changes.
#[derive(Debug, Clone)]
pub struct FlushBatch {
    /// Which partition.
    pub partition: PartitionId,
    /// The caller's, from [`Storage::take_epoch`].
    pub epoch: i64,
    /// The changes position from which the rows were folded.
    pub from: StreamId,
    /// The positions that the rows and events reach.
    pub to: Positions,
    /// Members with their new folds, one row each.
    pub profiles: Vec<ProfileRow>,
    /// Members of sessions with their new folds, one row each.
    pub sessions: Vec<SessionRow>,
    /// Births of profiles that had no row.
    pub origins: Vec<OriginRow>,
    /// Events to store.
    pub events: Vec<EventRow>,
    /// What could not be read or folded.
    pub dead: Vec<DeadRow>,
}

impl FlushBatch {
    /// A batch that only moves the positions.
    pub fn new(partition: PartitionId, epoch: i64, from: StreamId, to: Positions) -> Self {
        Self {
            partition,
            epoch,
            from,
            to,
            profiles: Vec::new(),
            sessions: Vec::new(),
            origins: Vec::new(),
            events: Vec::new(),
            dead: Vec::new(),
        }
    }
}

/// What became of a flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlushOutcome {
    /// Everything is written.
    Committed {
        /// How many rows Postgres cannot hold; they are dead rows now, beside those that the caller set aside.
        buried: usize,
    },
    /// Nothing is written: a newer owner exists, or the position is not `from`. Drop everything and start over.
    Superseded,
}

impl Storage {
    /// Writes a batch, all of it or nothing.
    ///
    /// A row that Postgres cannot hold does not stop the partition: it goes to `dead_letters` in the same transaction
    /// (events with U+0000 are moved to `batch.dead` before).
    /// [`StorageError::CommitUnknown`] means that the batch may be written; the caller drops its memory and reads epoch
    /// and positions again. After any other error nothing is written.
    pub async fn flush(&self, batch: &mut FlushBatch) -> Result<FlushOutcome, StorageError> {
        let unstorable = events::bury_unstorable(&mut batch.events, &mut batch.dead);
        self.ensure_days_of(&batch.events).await?;
        let outcome = match self.attempt(batch, Manner::Together).await {
            Err(StorageError::Data { reason }) => {
                tracing::warn!(partition = batch.partition.0, %reason, "a flush was refused: looking for the row");
                self.days.forget();
                self.ensure_days_of(&batch.events).await?;
                self.attempt(batch, Manner::OneByOne).await?
            }
            outcome => outcome?,
        };
        Ok(match outcome {
            FlushOutcome::Committed { buried } => FlushOutcome::Committed { buried: buried + unstorable },
            FlushOutcome::Superseded => FlushOutcome::Superseded,
        })
    }

    async fn attempt(&self, batch: &FlushBatch, manner: Manner) -> Result<FlushOutcome, StorageError> {
        let written = within(async {
            let mut tx = self.pool.begin().await?;
            if !partitions::advance(&mut tx, batch).await? {
                tx.rollback().await?;
                return Ok(None);
            }
            let here = batch.partition;
            let mut buried = Vec::new();
            manner.write(&mut tx, here, &batch.profiles, &mut buried).await?;
            manner.write(&mut tx, here, &batch.sessions, &mut buried).await?;
            manner.write(&mut tx, here, &batch.origins, &mut buried).await?;
            manner.write(&mut tx, here, &batch.events, &mut buried).await?;
            dead_letters::insert(&mut tx, here, &batch.dead).await?;
            dead_letters::insert(&mut tx, here, &buried).await?;
            Ok(Some((tx, buried.len())))
        })
        .await?;
        let Some((tx, buried)) = written else {
            return Ok(FlushOutcome::Superseded);
        };
        // From here on silence leaves the outcome open, so the commit has an error of its own.
        match within(async { Ok(tx.commit().await) }).await {
            Ok(Ok(())) => Ok(FlushOutcome::Committed { buried }),
            Ok(Err(error)) => Err(StorageError::of_commit(error)),
            Err(late) => Err(StorageError::CommitUnknown { reason: late.to_string() }),
        }
    }
}

/// A row of one table.
pub(crate) trait Writable: Sized + Sync {
    /// Writes all rows by one statement.
    fn write(
        conn: &mut PgConnection,
        partition: PartitionId,
        rows: &[Self],
    ) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// What is set aside in its place when Postgres refuses it.
    fn dead(&self, message: String) -> DeadRow;
}

/// How the rows of a flush are written.
#[derive(Clone, Copy)]
enum Manner {
    /// One statement a table: always tried first.
    Together,
    /// A savepoint a row, to find the one that Postgres refuses; slow, and rare.
    OneByOne,
}

impl Manner {
    async fn write<R: Writable>(
        self,
        conn: &mut PgConnection,
        partition: PartitionId,
        rows: &[R],
        buried: &mut Vec<DeadRow>,
    ) -> Result<(), StorageError> {
        match self {
            _ if rows.is_empty() => Ok(()),
            Self::Together => R::write(conn, partition, rows).await,
            Self::OneByOne => {
                for row in rows {
                    let mut savepoint = conn.begin().await?;
                    match R::write(&mut savepoint, partition, std::slice::from_ref(row)).await {
                        Ok(()) => savepoint.commit().await?,
                        Err(StorageError::Data { reason }) => {
                            savepoint.rollback().await?;
                            buried.push(row.dead(reason));
                        }
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
        }
    }
}
