//! Postgres and the collector in miniature: rows with the position up to which they were folded.

use crate::world::P;
use prost::Message as _;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tributary_model::{PartitionId, ProfileId, SessionId, StreamId, TenantId};
use tributary_proto::{convert, v1};
use tributary_streams::{Entry, Fence, Known, Redis, Rows, Stream, StreamsError, Subject};

pub(crate) const SNAPSHOT_LIFE: Duration = Duration::from_secs(600);

/// The rows of one partition.
#[derive(Clone, Default)]
pub(crate) struct Table {
    inner: Arc<Mutex<Content>>,
    gate: Arc<Mutex<Option<Gate>>>,
}

#[derive(Default)]
struct Content {
    position: StreamId,
    rows: HashMap<(TenantId, Subject), Known>,
    reads: usize,
}

/// Holds the next reader between its read and what it does with it.
#[derive(Clone)]
pub(crate) struct Gate {
    reached: Arc<Semaphore>,
    opened: Arc<Semaphore>,
}

impl Gate {
    /// Waits until a reader has its row.
    pub(crate) async fn reached(&self) -> anyhow::Result<()> {
        self.reached.acquire().await?.forget();
        Ok(())
    }

    pub(crate) fn open(&self) {
        self.opened.add_permits(1);
    }
}

impl Table {
    /// The next reader is held once.
    pub(crate) fn hold_next_reader(&self) -> Gate {
        let gate = Gate { reached: Arc::new(Semaphore::new(0)), opened: Arc::new(Semaphore::new(0)) };
        *self.gate.lock().unwrap_or_else(PoisonError::into_inner) = Some(gate.clone());
        gate
    }

    pub(crate) fn reads(&self) -> usize {
        self.content().reads
    }

    pub(crate) fn position(&self) -> StreamId {
        self.content().position
    }

    /// Row and position as one transaction sees them.
    pub(crate) fn get(&self, tenant: &TenantId, subject: &Subject) -> (Known, StreamId) {
        let mut content = self.content();
        content.reads += 1;
        let row = content.rows.get(&(tenant.clone(), subject.clone())).cloned().unwrap_or_default();
        (row, content.position)
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows for Table {
    type Error = std::io::Error;

    async fn row(
        &self,
        _: PartitionId,
        tenant: &TenantId,
        subject: &Subject,
    ) -> Result<(Known, StreamId), Self::Error> {
        let read = self.get(tenant, subject);
        let gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(gate) = gate {
            gate.reached.add_permits(1);
            gate.opened.acquire().await.map_err(std::io::Error::other)?.forget();
        }
        Ok(read)
    }
}

/// Folds `{p}:changes` into a table, in the steps that a crash can fall between.
pub(crate) struct Collector {
    pub(crate) redis: Redis,
    pub(crate) fence: Fence,
    pub(crate) table: Table,
}

/// What a commit leaves to be done in Redis.
#[derive(Clone)]
pub(crate) struct Committed {
    position: StreamId,
    rows: Vec<(TenantId, Subject, Known)>,
}

impl Collector {
    /// The whole of a flush.
    pub(crate) async fn flush(&self) -> anyhow::Result<()> {
        let committed = self.commit().await?;
        self.after_commit(&committed).await?;
        Ok(())
    }

    /// The transaction: rows and position together.
    pub(crate) async fn commit(&self) -> anyhow::Result<Committed> {
        let entries = self.redis.tail(P, Stream::Changes, self.table.position(), 10_000).await?;
        let mut content = self.table.content();
        let mut touched = HashSet::new();
        for entry in &entries {
            let (key, set) = decode(entry)?;
            let row = content.rows.entry(key.clone()).or_default();
            for change in convert::changes_from_wire(&set.changes)? {
                row.state.apply(&change);
            }
            row.version = entry.id;
            content.position = entry.id;
            touched.insert(key);
        }
        Ok(committed(&content, touched))
    }

    /// What a new owner repeats, not knowing how far the old one came: all rows, as of the position.
    pub(crate) fn recover(&self) -> Committed {
        let content = self.table.content();
        committed(&content, content.rows.keys().cloned().collect())
    }

    pub(crate) async fn after_commit(&self, committed: &Committed) -> Result<(), StreamsError> {
        self.redis.set_snapshots(&self.fence, committed.position, &committed.rows, SNAPSHOT_LIFE).await?;
        self.redis.trim_changes(&self.fence, committed.position).await
    }
}

fn committed(content: &Content, keys: HashSet<(TenantId, Subject)>) -> Committed {
    let row = |key: (TenantId, Subject)| {
        let known = content.rows[&key].clone();
        (key.0, key.1, known)
    };
    Committed { position: content.position, rows: keys.into_iter().map(row).collect() }
}

fn decode(entry: &Entry) -> anyhow::Result<((TenantId, Subject), v1::ChangeSet)> {
    let set = v1::ChangeSet::decode(entry.data.as_slice())?;
    let subject = if entry.session.is_empty() {
        Subject::Profile(ProfileId::new(entry.profile.as_str())?)
    } else {
        let (session, origin) =
            (SessionId::new(entry.session.as_str())?, ProfileId::new(set.origin.as_str())?);
        Subject::Session { session, origin }
    };
    Ok(((TenantId::new(entry.tenant.as_str())?, subject), set))
}
