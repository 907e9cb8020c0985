//! Runs that wait for their time or for an event of their profile, as the owner finds them again (docs/protocol.md §6).

use crate::connection::Redis;
use crate::{StreamsError, keys, owners::Fence};
use std::collections::HashMap;
use tributary_model::{PartitionId, ProfileId, TenantId, TraceContext};

/// A paused run of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// The id of its timer.
    pub timer: String,
    /// The types of events that may make it go on; empty for one that waits for its time alone.
    pub awaits: Vec<String>,
}

/// What a paused run goes on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PausedTimer {
    /// As they were committed.
    pub fields: HashMap<String, Vec<u8>>,
    /// The trace of the commit that paused it.
    pub trace: TraceContext,
}

impl Redis {
    /// The paused runs of a profile, the one that paused first before the others.
    pub async fn paused(
        &self,
        p: PartitionId,
        tenant: &TenantId,
        profile: &ProfileId,
    ) -> Result<Vec<Paused>, StreamsError> {
        let listed: Vec<(String, String)> = redis::cmd("HGETALL")
            .arg(keys::paused(p, tenant, profile))
            .query_async(&mut self.connection())
            .await?;
        let mut paused = listed
            .into_iter()
            .map(|(timer, value)| {
                let mut lines = value.lines();
                let place = lines.next().and_then(|place| place.parse::<u64>().ok());
                let place = place.ok_or_else(|| StreamsError::unexpected("a paused run without a place"))?;
                Ok((place, Paused { timer, awaits: lines.map(str::to_owned).collect() }))
            })
            .collect::<Result<Vec<_>, StreamsError>>()?;
        paused.sort_unstable_by_key(|(place, _)| *place);
        Ok(paused.into_iter().map(|(_, paused)| paused).collect())
    }

    /// What a paused run goes on with; `None` if it went on meanwhile.
    pub async fn paused_run(&self, fence: &Fence, timer: &str) -> Result<Option<PausedTimer>, StreamsError> {
        let mut fields: HashMap<String, Vec<u8>> = redis::cmd("HGETALL")
            .arg(keys::timer(fence.partition, timer))
            .query_async(&mut self.connection())
            .await?;
        if fields.is_empty() {
            return Ok(None);
        }
        let mut take = |name: &str| {
            String::from_utf8(fields.remove(name).unwrap_or_default())
                .map_err(|_| StreamsError::unexpected("a trace that is no text"))
        };
        let trace = TraceContext { traceparent: take("traceparent")?, tracestate: take("tracestate")? };
        Ok(Some(PausedTimer { fields, trace }))
    }
}
