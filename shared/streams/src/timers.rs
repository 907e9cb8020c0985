//! Timers of an owner: what is due, and how a firing ends (docs/protocol.md §6).

use crate::connection::{Argument, Redis, count, millis};
use crate::keys::{self, Stream};
use crate::reached::DeliveredMark;
use crate::script::script;
use crate::{Committed, StreamsError, owners::Fence};
use redis::Script;
use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;
use tributary_model::{StreamId, TenantId, TraceContext};

static DUE: LazyLock<Script> = LazyLock::new(|| script!("due"));
static SETTLE: LazyLock<Script> = LazyLock::new(|| script!(finishing "settle"));

/// A timer that is due.
#[derive(Debug, Clone)]
pub struct Timer {
    /// Its id.
    pub id: String,
    /// Which schedule of it fired.
    pub seq: String,
    /// The version it was last scheduled for.
    pub version: StreamId,
    /// Failed attempts so far.
    pub attempts: u32,
    /// What it carries.
    pub fields: HashMap<String, String>,
    /// The trace of the newest version scheduled.
    pub trace: TraceContext,
    /// Up to 32 traces of the versions before it, as traceparents.
    pub links: Vec<String>,
}

/// What is due now, and how long until more is.
#[derive(Debug)]
pub struct Due {
    /// Ids, the longest due first.
    pub timers: Vec<String>,
    /// Time until the next timer that is not due yet.
    pub next: Option<Duration>,
}

/// How a firing ends.
#[derive(Debug)]
pub enum Settlement<'a> {
    /// It is done.
    Done {
        /// What whoever waits for the delivery finds.
        mark: Option<DeliveredMark<'a>>,
    },
    /// It failed, and is tried again after the delay.
    Retry {
        /// Failed attempts so far, this one included.
        attempts: u32,
        /// How long to wait.
        delay: Duration,
    },
    /// It is given up on.
    Dead {
        /// Who owns it.
        tenant: &'a TenantId,
        /// The encoded `DeadLetter`.
        letter: Vec<u8>,
        /// The trace that it belongs to.
        trace: &'a TraceContext,
        /// What whoever waits for the delivery finds.
        mark: Option<DeliveredMark<'a>>,
    },
}

impl Redis {
    /// The stage's due timers in the fence's partition.
    pub async fn due_timers(&self, fence: &Fence, limit: usize) -> Result<Due, StreamsError> {
        let keys = [keys::boot(fence.partition), fence.key(), keys::timers(fence.partition, fence.stage)];
        let mut arguments = fence.arguments();
        arguments.push(count(limit));
        let mut reply = self.run(&DUE, &keys, &arguments).await?;
        reply.expect_ok()?;
        let mut list = reply.list()?;
        let mut timers = Vec::with_capacity(list.remaining());
        while list.remaining() > 0 {
            timers.push(list.text()?);
        }
        let next = u64::try_from(reply.integer()?).ok().map(Duration::from_millis);
        Ok(Due { timers, next })
    }

    /// What a timer carries; `None` if it was settled meanwhile.
    pub async fn timer(&self, fence: &Fence, id: &str) -> Result<Option<Timer>, StreamsError> {
        let mut fields: HashMap<String, String> = redis::cmd("HGETALL")
            .arg(keys::timer(fence.partition, id))
            .query_async(&mut self.connection())
            .await?;
        let Some(seq) = fields.remove("seq") else { return Ok(None) };
        let mut take = |name: &str| fields.remove(name).unwrap_or_default();
        let (version, attempts, links) = (take("version"), take("attempts"), take("links"));
        let trace = TraceContext { traceparent: take("traceparent"), tracestate: take("tracestate") };
        Ok(Some(Timer {
            id: id.to_owned(),
            seq,
            version: crate::reply::id(&version)?,
            attempts: attempts.parse().unwrap_or_default(),
            trace,
            links: links.split_whitespace().map(str::to_owned).collect(),
            fields,
        }))
    }

    /// Ends a firing; `Already` if the timer is gone.
    pub async fn settle(
        &self,
        fence: &Fence,
        timer: &Timer,
        settlement: &Settlement<'_>,
    ) -> Result<Committed, StreamsError> {
        let p = fence.partition;
        let mut keys = vec![
            keys::boot(p),
            fence.key(),
            keys::timers(p, fence.stage),
            keys::timer(p, &timer.id),
            keys::stream(p, Stream::Dead),
        ];
        let mut arguments: Vec<Argument<'_>> = fence.arguments();
        arguments.extend([timer.id.as_str().into(), timer.seq.as_str().into()]);
        let mark = match settlement {
            Settlement::Done { mark } => {
                arguments.push("DONE".into());
                mark
            }
            Settlement::Retry { attempts, delay } => {
                arguments.extend(["RETRY".into(), i64::from(*attempts).into(), millis(*delay)]);
                &None
            }
            Settlement::Dead { tenant, letter, trace, mark } => {
                arguments.extend([
                    "DEAD".into(),
                    tenant.as_str().into(),
                    letter.as_slice().into(),
                    trace.traceparent.as_str().into(),
                    trace.tracestate.as_str().into(),
                ]);
                mark
            }
        };
        if let Some(DeliveredMark { tenant, profile, name, version, life }) = mark {
            keys.push(keys::delivered(p, tenant, profile));
            arguments.extend([(*name).into(), version.to_string().into(), millis(*life)]);
        }
        let mut reply = self.run(&SETTLE, &keys, &arguments).await?;
        match reply.status()?.as_str() {
            "OK" => Ok(Committed::Done),
            _ => Ok(Committed::Already),
        }
    }
}
