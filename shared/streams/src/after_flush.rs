//! What the collector does after a flush has committed, in this order: snapshots, publication, trimming
//! (docs/protocol.md §7). Every step is fenced and may be repeated.

use crate::connection::{Redis, count, millis};
use crate::group::Group;
use crate::hot_read::{Known, encode_state};
use crate::keys::{self, Stream, Subject};
use crate::script::script;
use crate::{StreamsError, owners::Fence};
use redis::Script;
use std::sync::LazyLock;
use std::time::Duration;
use tributary_model::{StreamId, TenantId, TraceContext};

static SNAPSHOTS: LazyLock<Script> = LazyLock::new(|| script!(finishing "snapshots"));
static PUBLISH: LazyLock<Script> = LazyLock::new(|| script!(finishing "publish"));
static TRIM: LazyLock<Script> = LazyLock::new(|| script!(finishing "trim"));

/// How many subjects or rows one script handles: a script holds up every other client of the node.
const CHUNK: usize = 200;

/// A row to announce on `{p}:profiles` or `{p}:sessions`.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The id of the last change folded: the entry's id.
    pub version: StreamId,
    /// Who owns it.
    pub tenant: TenantId,
    /// The profile or session.
    pub id: String,
    /// The encoded `Profile` or `Session`.
    pub data: Vec<u8>,
    /// The trace of the newest change.
    pub trace: TraceContext,
    /// All that changed is historical: nothing is delivered because of it.
    pub historical: bool,
}

/// How long a public stream keeps what all of the mesh's own readers have finished.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Entries younger than this stay, unless there are too many.
    pub age: Duration,
    /// How many entries stay at most, young or not.
    pub entries: usize,
}

impl Redis {
    /// Sets the snapshots of flushed subjects as of `position` and pops their pending entries up to it.
    pub async fn set_snapshots(
        &self,
        fence: &Fence,
        position: StreamId,
        rows: &[(TenantId, Subject, Known)],
        life: Duration,
    ) -> Result<(), StreamsError> {
        let p = fence.partition;
        for chunk in rows.chunks(CHUNK) {
            let states: Vec<Vec<u8>> = chunk.iter().map(|(_, _, known)| encode_state(&known.state)).collect();
            let mut keys = vec![keys::boot(p), fence.key(), keys::trimmed(p)];
            let mut arguments = fence.arguments();
            arguments.extend([position.to_string().into(), millis(life)]);
            for ((tenant, subject, known), state) in chunk.iter().zip(&states) {
                keys.push(keys::snapshot(p, tenant, subject));
                keys.push(keys::pending(p, tenant, subject));
                arguments.extend([known.version.to_string().into(), state.as_slice().into()]);
            }
            self.run(&SNAPSHOTS, &keys, &arguments).await?.expect_ok()?;
        }
        Ok(())
    }

    /// Publishes rows, which come ascending by version; those published before are skipped.
    pub async fn publish(
        &self,
        fence: &Fence,
        stream: Stream,
        rows: &[Publication],
    ) -> Result<(), StreamsError> {
        let keys = [keys::boot(fence.partition), fence.key(), keys::stream(fence.partition, stream)];
        let field = if stream == Stream::Profiles { "profile" } else { "session" };
        for chunk in rows.chunks(CHUNK) {
            let mut arguments = fence.arguments();
            for row in chunk {
                arguments.extend([
                    row.version.to_string().into(),
                    row.data.as_slice().into(),
                    row.tenant.as_str().into(),
                    field.into(),
                    row.id.as_str().into(),
                    row.trace.traceparent.as_str().into(),
                    row.trace.tracestate.as_str().into(),
                    row.historical.into(),
                ]);
            }
            self.run(&PUBLISH, &keys, &arguments).await?.expect_ok()?;
        }
        Ok(())
    }

    /// Trims `{p}:changes` behind the committed position, and tells those who wait that it is reached ([`Redis::stored`]):
    /// after every flush, also one that left nothing else to do, and by every new owner.
    pub async fn trim_changes(&self, fence: &Fence, position: StreamId) -> Result<(), StreamsError> {
        let nothing_stays = Retention { age: Duration::ZERO, entries: 0 };
        self.trim(fence, Stream::Changes, Some(position), nothing_stays, &[]).await
    }

    /// Trims a public stream: never past `committed`, never past what a group of the mesh has not finished.
    pub async fn trim(
        &self,
        fence: &Fence,
        stream: Stream,
        committed: Option<StreamId>,
        retention: Retention,
        groups: &[Group],
    ) -> Result<(), StreamsError> {
        let p = fence.partition;
        let keys =
            [keys::boot(p), fence.key(), keys::stream(p, stream), keys::gone(p, stream), keys::stored(p)];
        let mut arguments = fence.arguments();
        arguments.push(committed.map(|position| position.to_string()).unwrap_or_default().into());
        arguments.extend([
            millis(retention.age),
            count(retention.entries),
            (stream == Stream::Changes).into(),
        ]);
        arguments.extend(groups.iter().map(|group| group.name().into()));
        self.run(&TRIM, &keys, &arguments).await?.expect_ok()
    }

    /// The newest id that a stream ever had; 0-0 where it does not exist.
    pub async fn last_id(&self, fence: &Fence, stream: Stream) -> Result<StreamId, StreamsError> {
        let key = keys::stream(fence.partition, stream);
        let info = redis::cmd("XINFO")
            .arg("STREAM")
            .arg(key)
            .query_async::<std::collections::HashMap<String, redis::Value>>(&mut self.connection())
            .await;
        match info {
            Ok(info) => match info.get("last-generated-id") {
                Some(redis::Value::BulkString(id)) => crate::reply::id(&String::from_utf8_lossy(id)),
                _ => Err(StreamsError::unexpected("a stream without last-generated-id")),
            },
            // The only plain error that XINFO STREAM has is that the key is missing.
            Err(error) if error.code() == Some("ERR") => Ok(StreamId::default()),
            Err(error) => Err(error.into()),
        }
    }
}
