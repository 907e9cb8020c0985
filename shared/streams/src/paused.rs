//! Runs that wait for their time or for an event of their profile, as the owner finds them again (docs/protocol.md §6).

use crate::connection::{Redis, millis};
use crate::script::script;
use crate::{StreamsError, keys, owners::Fence};
use redis::Script;
use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;
use tributary_model::{PartitionId, ProfileId, TenantId, TraceContext};

static HAND_OUT: LazyLock<Script> = LazyLock::new(|| script!(finishing "hand_out"));
static POSTPONE: LazyLock<Script> = LazyLock::new(|| script!(finishing "postpone"));

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
    /// How often it was handed out since it paused, or was postponed.
    pub attempts: u64,
}

/// A timer that is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandedOut {
    /// For the how-manieth time, from 1.
    Times(u64),
    /// It is due, and carries nothing.
    Bare,
    /// It went on meanwhile.
    Gone,
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
        Ok(self.paused_runs(fence, &[timer]).await?.pop().flatten())
    }

    /// What each of these paused runs goes on with, in one round trip.
    pub async fn paused_runs(
        &self,
        fence: &Fence,
        timers: &[&str],
    ) -> Result<Vec<Option<PausedTimer>>, StreamsError> {
        if timers.is_empty() {
            return Ok(Vec::new());
        }
        let mut reads = redis::pipe();
        for timer in timers {
            reads.hgetall(keys::timer(fence.partition, timer));
        }
        let found: Vec<HashMap<String, Vec<u8>>> = reads.query_async(&mut self.connection()).await?;
        found.into_iter().map(carried).collect()
    }

    /// Counts that a due timer is handed out: one that ends the process each time must not do so for ever.
    pub async fn hand_out(&self, fence: &Fence, timer: &str) -> Result<HandedOut, StreamsError> {
        let keys = run_keys(fence, timer);
        let mut arguments = fence.arguments();
        arguments.push(timer.into());
        let mut reply = self.run(&HAND_OUT, &keys, &arguments).await?;
        match reply.status()?.as_str() {
            "OK" => {
                let times = reply.integer()?;
                u64::try_from(times).map(HandedOut::Times).map_err(|_| StreamsError::unexpected("a count"))
            }
            "BARE" => Ok(HandedOut::Bare),
            "GONE" => Ok(HandedOut::Gone),
            other => Err(StreamsError::Broken(format!("the status {other}"))),
        }
    }

    /// Makes a paused run due only after `delay`; how often it was handed out is counted anew. One that went on meanwhile
    /// stays gone.
    pub async fn postpone(&self, fence: &Fence, timer: &str, delay: Duration) -> Result<(), StreamsError> {
        let keys = run_keys(fence, timer);
        let mut arguments = fence.arguments();
        arguments.extend([timer.into(), millis(delay)]);
        self.run(&POSTPONE, &keys, &arguments).await?.expect_ok()
    }
}

fn run_keys(fence: &Fence, timer: &str) -> [String; 4] {
    let p = fence.partition;
    [keys::boot(p), fence.key(), keys::timers(p, fence.stage), keys::timer(p, timer)]
}

fn carried(mut fields: HashMap<String, Vec<u8>>) -> Result<Option<PausedTimer>, StreamsError> {
    if fields.is_empty() {
        return Ok(None);
    }
    let mut take = |name: &str| {
        String::from_utf8(fields.remove(name).unwrap_or_default())
            .map_err(|_| StreamsError::unexpected("a trace that is no text"))
    };
    let trace = TraceContext { traceparent: take("traceparent")?, tracestate: take("tracestate")? };
    let attempts = take("attempts")?.parse().unwrap_or_default();
    Ok(Some(PausedTimer { fields, trace, attempts }))
}
