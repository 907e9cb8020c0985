//! One flush: read to a cut, fold, commit, publish, trim (docs/protocol.md §7).

mod cut;
mod fold;
pub(crate) mod publish;

pub(crate) use publish::Folded;

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;
use tracing::Instrument as _;
use tributary_model::StreamId;
use tributary_runtime::telemetry::names;
use tributary_storage::{FlushBatch, FlushOutcome, Positions};
use tributary_streams::{Fence, Group, Retention, Stream, Subject};

use self::{
    cut::Reading,
    fold::{Folding, Mark},
};
use crate::{
    cache::{Cache, Key, Member},
    owner::{Lost, Partitions},
    spans::Traces,
    wire,
};

/// How often public streams are trimmed by age while nothing comes. Each flush trims too: one call takes a bounded number
/// of entries, about as many as a flush adds.
const TRIM_EVERY: Duration = Duration::from_secs(10);

/// Flushes one partition, for as long as its owner holds the lease. After an error it must not be used again: its memory
/// may differ from what is true.
pub(crate) struct Flusher<'a> {
    partitions: &'a Partitions,
    fence: &'a Fence,
    positions: Positions,
    cache: Cache,
    trimmed: Instant,
    swept: Instant,
}

impl<'a> Flusher<'a> {
    pub(crate) fn new(partitions: &'a Partitions, fence: &'a Fence, positions: Positions) -> Self {
        let cache = Cache::new(partitions.settings.cached_rows);
        Self { partitions, fence, positions, cache, trimmed: Instant::now(), swept: Instant::now() }
    }

    /// Folds and stores what has come since the last flush; answers whether more is waiting already.
    pub(crate) async fn flush(&mut self) -> Result<bool, Lost> {
        if self.swept.elapsed() >= TRIM_EVERY {
            self.sweep().await?;
        }
        let limit = self.partitions.settings.flush_changes;
        let reading = cut::read(&self.partitions.redis, self.fence.partition, &self.positions, limit).await?;
        let Some(reading) = reading else {
            if self.trimmed.elapsed() >= TRIM_EVERY {
                self.trim_public_streams().await?;
            }
            return Ok(false);
        };
        let full = reading.full;
        // A flush serves many traces, so it is none of theirs: it is a trace of its own, and theirs link to it.
        let span = tracing::info_span!(
            parent: None,
            names::FLUSH,
            { names::PARTITION } = names::number(self.fence.partition.0),
            { names::CHANGES } = names::number(reading.changes.len()),
            { names::EVENTS } = names::number(reading.events.len()),
        );
        self.store_and_publish(reading).instrument(span).await?;
        self.trim_public_streams().await?;
        Ok(full)
    }

    async fn store_and_publish(&mut self, reading: Reading) -> Result<(), Lost> {
        let Partitions { redis, storage, .. } = self.partitions;
        let traces = Traces::of(&reading.changes);
        let cut = reading.cut;

        let folding = self.fold(&reading).await?;
        let mut batch = self.batch(&reading);
        let reached = Positions {
            published_profiles: newest(
                folding.profiles.iter().map(|row| row.version),
                batch.to.published_profiles,
            ),
            published_sessions: newest(
                folding.sessions.iter().map(|row| row.version),
                batch.to.published_sessions,
            ),
            ..batch.to
        };
        let marks = folding.marks;
        batch.profiles = folding.profiles;
        batch.sessions = folding.sessions;
        batch.origins = folding.origins;
        batch.dead.extend(folding.dead);

        let stored = traces.stored(self.fence.partition);
        match storage.flush(&mut batch).await {
            Ok(FlushOutcome::Committed { buried }) => self.report(buried, batch.dead.len()),
            Ok(FlushOutcome::Superseded) => return Err(stored.failed(Lost::Superseded)),
            Err(error) => return Err(stored.failed(error.into())),
        }
        drop(stored);

        let mut folded: Vec<Folded> = batch.profiles.into_iter().map(Folded::of_profile_row).collect();
        folded.extend(batch.sessions.into_iter().map(Folded::of_session_row));
        let published = traces.published(self.fence.partition);
        let mark = |key: &Key| match marks.get(key) {
            Some(mark) => Mark { trace: published.continued(&mark.trace), ..*mark },
            None => Mark::default(),
        };
        let members = publish::after_commit(self.partitions, self.fence, cut, folded, mark)
            .await
            .map_err(|error| published.failed(error))?;
        drop(published);

        redis.trim_changes(self.fence, cut).await?;
        self.positions = reached;
        for (key, member) in members {
            self.cache.put(key, member);
        }
        Ok(())
    }

    /// The new rows: those of before, from memory or Postgres, with the changes applied.
    async fn fold(&mut self, reading: &Reading) -> Result<Folding, Lost> {
        let (steps, dead) = fold::decode(&reading.changes);
        let mut members = HashMap::new();
        let mut missing: Vec<Key> = Vec::new();
        for step in &steps {
            if members.contains_key(&step.key) || missing.contains(&step.key) {
                continue;
            }
            match self.cache.take(&step.key) {
                Some(member) => drop(members.insert(step.key.clone(), member)),
                None => missing.push(step.key.clone()),
            }
        }
        members.extend(self.load(missing).await?);
        let mut folding = fold::fold(steps, members, &self.partitions.running.view(wire::now()));
        folding.dead = dead;
        Ok(folding)
    }

    async fn load(&self, missing: Vec<Key>) -> Result<HashMap<Key, Member>, Lost> {
        let (mut profiles, mut sessions) = (Vec::new(), Vec::new());
        for (tenant, subject) in missing {
            match subject {
                Subject::Profile(id) => profiles.push((tenant, id)),
                Subject::Session { session, origin } => sessions.push((tenant, session, origin)),
            }
        }
        let storage = &self.partitions.storage;
        let profiles = storage.load_profiles(&profiles).await?.into_iter().map(|((tenant, id), row)| {
            let member = Member { version: row.version, state: row.state, bound: None };
            ((tenant, Subject::Profile(id)), member)
        });
        let sessions =
            storage.load_sessions(&sessions).await?.into_iter().map(|((tenant, session, origin), row)| {
                let member =
                    Member { version: row.member.version, state: row.member.state, bound: Some(row.bound) };
                ((tenant, Subject::Session { session, origin }), member)
            });
        Ok(profiles.chain(sessions).collect())
    }

    /// Positions, events, and what cannot be read of them.
    fn batch(&self, reading: &Reading) -> FlushBatch {
        let events = reading.events.last().map_or(self.positions.events, |entry| entry.id);
        // What this flush will publish is not published yet: the row says what is known before.
        let to = Positions { changes: reading.cut, events, ..self.positions };
        let mut batch = FlushBatch::new(self.fence.partition, self.fence.epoch, self.positions.changes, to);
        batch.events.reserve(reading.events.len());
        for entry in &reading.events {
            match wire::event_row(entry.id, &entry.data) {
                Ok(row) => batch.events.push(row),
                Err(reason) => batch.dead.push(fold::dead("event", entry, &reason)),
            }
        }
        batch
    }

    /// The mesh's own streams that no flush fills: what was forwarded goes, dead letters stay for their time.
    async fn sweep(&mut self) -> Result<(), Lost> {
        let Partitions { redis, settings, .. } = self.partitions;
        let nothing_stays = Retention { age: Duration::ZERO, entries: 0 };
        redis.trim(self.fence, Stream::Forward, None, nothing_stays, &[Group::Forwarder]).await?;
        let newest = redis.last_id(self.fence, Stream::Dead).await?;
        let kept = Retention { age: settings.dead_letter_retention, entries: settings.stream_entries };
        redis.trim(self.fence, Stream::Dead, Some(newest), kept, &[]).await?;
        self.swept = Instant::now();
        Ok(())
    }

    fn report(&self, refused_by_postgres: usize, dead: usize) {
        let partition = self.fence.partition.0;
        if refused_by_postgres + dead > 0 {
            tracing::error!(
                partition,
                dead,
                refused_by_postgres,
                "entries could not be stored and are dead letters now"
            );
        }
    }

    async fn trim_public_streams(&mut self) -> Result<(), Lost> {
        let Partitions { redis, settings, .. } = self.partitions;
        let kept = Retention { age: settings.stream_retention, entries: settings.stream_entries };
        redis.trim(self.fence, Stream::Events, Some(self.positions.events), kept, &[Group::Workflow]).await?;
        redis.trim(self.fence, Stream::Profiles, None, kept, &[Group::Dispatcher]).await?;
        // Without a position and without a group nothing would bound the trimming; what is published is behind us.
        let published = Some(self.positions.published_sessions);
        redis.trim(self.fence, Stream::Sessions, published, kept, &[]).await?;
        self.trimmed = Instant::now();
        Ok(())
    }
}

fn newest(versions: impl Iterator<Item = StreamId>, before: StreamId) -> StreamId {
    versions.max().unwrap_or(before)
}
