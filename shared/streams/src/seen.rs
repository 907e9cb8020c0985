//! What a waiter of an event finds: the value of its `seen` (docs/protocol.md §6).

use crate::connection::Redis;
use crate::effect::Ending;
use crate::{StreamsError, keys, reply};
use tributary_model::{EventId, PartitionId, StreamId, TenantId};

/// How far an event has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is remembered of it: it was never accepted here, or the dedup window is over.
    Unknown,
    /// It is accepted, and its workflows have not run.
    Waiting {
        /// Its place in `{p}:events`.
        entry: StreamId,
    },
    /// It was handled.
    Ended {
        /// Its place in `{p}:events`: a waiter takes an end only from the entry that it waits for.
        entry: StreamId,
        /// How it ended.
        ending: Ending,
        /// The profile's version with all that the event changed, its workflows' changes included; 0-0 where it is not known.
        version: StreamId,
        /// The encoded `Outcome`; empty where there is nothing to say.
        outcome: Vec<u8>,
    },
}

/// `<entry> <state> <version> <outcome>`, the front of it.
pub(crate) struct Seen<'a> {
    pub(crate) entry: StreamId,
    state: &'a [u8],
    /// 0-0 where it does not say.
    pub(crate) version: StreamId,
    outcome: &'a [u8],
}

impl Redis {
    /// How far an event has come that was accepted in partition `p`.
    pub async fn progress(
        &self,
        p: PartitionId,
        tenant: &TenantId,
        event: &EventId,
    ) -> Result<Progress, StreamsError> {
        let progress = self.progress_of(p, tenant, &[event]).await?.pop();
        progress.ok_or_else(|| StreamsError::unexpected("no answer for one event"))
    }

    /// How far each of these events has come, in one look.
    pub async fn progress_of(
        &self,
        p: PartitionId,
        tenant: &TenantId,
        events: &[&EventId],
    ) -> Result<Vec<Progress>, StreamsError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut look = redis::cmd("MGET");
        for event in events {
            look.arg(keys::seen(p, tenant, event));
        }
        let seen: Vec<Option<Vec<u8>>> = look.query_async(&mut self.connection()).await?;
        if seen.len() != events.len() {
            return Err(StreamsError::unexpected("another number of events than was asked for"));
        }
        seen.into_iter().map(|seen| seen.map_or(Ok(Progress::Unknown), |seen| progress(&seen))).collect()
    }
}

fn progress(seen: &[u8]) -> Result<Progress, StreamsError> {
    let Seen { entry, state, version, outcome } = parse(seen)?;
    let ending = match state {
        b"WAITING" => return Ok(Progress::Waiting { entry }),
        b"DONE" => Ending::Done,
        b"DEAD" => Ending::Dead,
        _ => return Err(StreamsError::unexpected("an event that ended in another way")),
    };
    Ok(Progress::Ended { entry, ending, version, outcome: outcome.to_vec() })
}

/// The outcome is whatever follows the third space, and may be cut.
pub(crate) fn parse(seen: &[u8]) -> Result<Seen<'_>, StreamsError> {
    let mut parts = seen.splitn(4, |byte| *byte == b' ');
    let mut next = || parts.next().unwrap_or_default();
    let (entry, state, version, outcome) = (next(), next(), next(), next());
    let id = |bytes: &[u8]| reply::id(&String::from_utf8_lossy(bytes));
    let version = if version.is_empty() { StreamId::default() } else { id(version)? };
    Ok(Seen { entry: id(entry)?, state, version, outcome })
}
