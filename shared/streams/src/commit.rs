//! Finishing what an owner has in hand, an entry or a timer: all effects at once, and once (docs/protocol.md §6).

use crate::connection::{Argument, Redis, count};
use crate::effect::{self, Effect};
use crate::group::Group;
use crate::keys::{self, Stream};
use crate::script::script;
use crate::{StreamsError, owners::Fence};
use redis::Script;
use std::sync::LazyLock;
use tributary_model::{ProfileId, StreamId, TenantId, TraceContext};

static COMMIT: LazyLock<Script> = LazyLock::new(|| script!(finishing "commit"));

/// What a commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// All effects are there.
    Done,
    /// An earlier attempt had already put them there.
    Already,
}

/// What a commit finishes, and what lets it happen only once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate<'a> {
    /// An entry that was handed out: it is acknowledged.
    Entry {
        /// Whose it is.
        group: Group,
        /// Its position.
        entry: StreamId,
    },
    /// A timer of the fence's stage, by its id: it is taken off, with all that it carries.
    Timer(&'a str),
}

/// The commit of an event's runs, or of one run whose time has come.
#[derive(Debug)]
pub struct RunCommit<'a> {
    /// What is finished.
    pub gate: Gate<'a>,
    /// Who owns it.
    pub tenant: &'a TenantId,
    /// The profile in whose lane it ran.
    pub profile: &'a ProfileId,
    /// The profile's paused runs were read, and those that wait for this type are among the effects where the event makes
    /// them go on. Without it the commit looks whether there are any.
    pub looked: bool,
    /// The event's type; not looked at for a timer.
    pub event_type: &'a str,
    /// What is written.
    pub effects: &'a [Effect],
    /// The trace that all of it carries on.
    pub trace: &'a TraceContext,
}

/// What the commit of runs did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunCommitted {
    /// All effects are there.
    Done {
        /// The last change of a profile that was written; 0-0 where none was.
        version: StreamId,
    },
    /// An earlier attempt had already put them there.
    Already,
    /// Paused runs of the profile wait for this type and were not looked at, or one that was to go on is gone. Nothing was
    /// written: look at [`Redis::paused`], and run the event again.
    Waiters,
}

/// The id of a timer of `stage`, unique in its partition.
pub fn timer_id(stage: &str, tenant: &TenantId, parts: &[&str]) -> String {
    keys::timer_id(stage, tenant, parts)
}

/// What [`timer_id`] was made of: the stage, the tenant and the parts. `None` for a text that it did not make.
pub fn timer_parts(id: &str) -> Option<Vec<String>> {
    keys::timer_parts(id)
}

impl Redis {
    /// Acknowledges `entry` and writes its effects, atomically. A refusal by the fence is [`StreamsError::Fenced`].
    pub async fn commit(
        &self,
        fence: &Fence,
        group: Group,
        entry: StreamId,
        tenant: &TenantId,
        effects: &[Effect],
        trace: &TraceContext,
    ) -> Result<Committed, StreamsError> {
        let nobody_pauses = keys::no_paused(fence.partition);
        let gate = Gate::Entry { group, entry };
        match self.finish(fence, gate, nobody_pauses, None, tenant, effects, trace).await? {
            RunCommitted::Done { .. } => Ok(Committed::Done),
            RunCommitted::Already => Ok(Committed::Already),
            RunCommitted::Waiters => Err(StreamsError::unexpected("waiting runs where none can be")),
        }
    }

    /// Finishes the gate and writes the effects, atomically. A refusal by the fence is [`StreamsError::Fenced`].
    pub async fn commit_run(
        &self,
        fence: &Fence,
        commit: &RunCommit<'_>,
    ) -> Result<RunCommitted, StreamsError> {
        let RunCommit { gate, tenant, profile, looked, event_type, effects, trace } = *commit;
        let paused = keys::paused(fence.partition, tenant, profile);
        let unlooked = (!looked && matches!(gate, Gate::Entry { .. })).then_some(event_type);
        self.finish(fence, gate, paused, unlooked, tenant, effects, trace).await
    }

    /// `unlooked` is the type that no paused run may wait for.
    #[expect(clippy::too_many_arguments, reason = "the script's own, told apart by their types")]
    async fn finish(
        &self,
        fence: &Fence,
        gate: Gate<'_>,
        paused: String,
        unlooked: Option<&str>,
        tenant: &TenantId,
        effects: &[Effect],
        trace: &TraceContext,
    ) -> Result<RunCommitted, StreamsError> {
        let p = fence.partition;
        let (gated, group, id) = match gate {
            Gate::Entry { group, entry } => {
                (keys::stream(p, group.stream()), group.name(), entry.to_string())
            }
            Gate::Timer(timer) => (keys::timer(p, timer), "", timer.to_owned()),
        };
        let mut keys = vec![
            keys::boot(p),
            fence.key(),
            gated,
            keys::stream(p, Stream::Changes),
            keys::stream(p, Stream::Forward),
            keys::stream(p, Stream::Dead),
            keys::timers(p, fence.stage),
            paused,
        ];
        let mut arguments: Vec<Argument<'_>> = fence.arguments();
        arguments.extend([
            group.into(),
            id.into(),
            unlooked.unwrap_or_default().into(),
            count(effects.len()),
        ]);
        for effect in effects {
            effect::push(effect, fence, tenant, trace, &mut keys, &mut arguments);
        }
        let mut reply = self.run(&COMMIT, &keys, &arguments).await?;
        match reply.status()?.as_str() {
            "OK" => Ok(RunCommitted::Done { version: reply.id()? }),
            "ALREADY" => Ok(RunCommitted::Already),
            "WAITERS" => Ok(RunCommitted::Waiters),
            other => Err(StreamsError::Broken(format!("the status {other}"))),
        }
    }
}
