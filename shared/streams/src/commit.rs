//! Finishing an entry that an owner has read: all effects at once, and once (docs/protocol.md §6).

use crate::connection::{Argument, Redis, count, millis};
use crate::group::Group;
use crate::keys::{self, Stream, Subject};
use crate::script::script;
use crate::{StreamsError, owners::Fence};
use redis::Script;
use std::sync::LazyLock;
use std::time::Duration;
use tributary_model::{EventId, ProfileId, SessionId, StreamId, TenantId, TraceContext};

static COMMIT: LazyLock<Script> = LazyLock::new(|| script!(finishing "commit"));

/// How an event's handling ended, kept with its `seen` for whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was run.
    Done,
    /// It was given up on.
    Dead,
}

/// One effect of a commit.
#[derive(Debug, Clone)]
pub enum Effect {
    /// An entry of `{p}:changes`. The subject lies in the owner's partition.
    Changes {
        /// The profile or session member changed.
        subject: Subject,
        /// `<event id>/<stage digit>`.
        cause: String,
        /// The encoded `ChangeSet`.
        set: Vec<u8>,
    },
    /// An entry of `{p}:changes` without changes: the cause was handled and changed nothing. No subject waits for it.
    Mark {
        /// `<event id>/<stage digit>`.
        cause: String,
        /// The encoded `ChangeSet`, without a target.
        set: Vec<u8>,
    },
    /// A derived event on its way to preprocess.
    Forward {
        /// Its derived id.
        event: EventId,
        /// The profile that it is for.
        profile: ProfileId,
        /// The encoded `ProcessRequest`.
        request: Vec<u8>,
    },
    /// An entry of `{p}:dead`: the encoded `DeadLetter`.
    Dead(Vec<u8>),
    /// The end that a waiter of the event finds.
    Seen {
        /// The event.
        event: EventId,
        /// Its place in `{p}:events`: an id used again later is another entry, with an end of its own.
        entry: StreamId,
        /// How it ended.
        ending: Ending,
        /// The dedup window.
        life: Duration,
    },
    /// Something to do once the subject has been quiet, or has waited long enough.
    Debounce {
        /// Names the timer; see [`timer_id`].
        timer: String,
        /// How long no newer version must have come.
        quiet: Duration,
        /// How long the first version waits at most.
        longest: Duration,
        /// An older version than the one scheduled is ignored.
        version: StreamId,
        /// What the timer carries.
        fields: Vec<(&'static str, String)>,
    },
}

/// What a commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// All effects are there.
    Done,
    /// An earlier attempt had already put them there.
    Already,
}

/// The id of a timer of `stage`, unique in its partition.
pub fn timer_id(stage: &str, tenant: &TenantId, parts: &[&str]) -> String {
    keys::timer_id(stage, tenant, parts)
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
        let p = fence.partition;
        let mut keys = vec![
            keys::boot(p),
            fence.key(),
            keys::stream(p, group.stream()),
            keys::stream(p, Stream::Changes),
            keys::stream(p, Stream::Forward),
            keys::stream(p, Stream::Dead),
            keys::timers(p, fence.stage),
        ];
        let mut arguments = fence.arguments();
        arguments.extend([group.name().into(), entry.to_string().into(), count(effects.len())]);
        for effect in effects {
            push(effect, fence, tenant, trace, &mut keys, &mut arguments);
        }
        let mut reply = self.run(&COMMIT, &keys, &arguments).await?;
        match reply.status()?.as_str() {
            "OK" => Ok(Committed::Done),
            "ALREADY" => Ok(Committed::Already),
            other => Err(StreamsError::Broken(format!("the status {other}"))),
        }
    }
}

fn push<'a>(
    effect: &'a Effect,
    fence: &Fence,
    tenant: &'a TenantId,
    trace: &'a TraceContext,
    keys: &mut Vec<String>,
    arguments: &mut Vec<Argument<'a>>,
) {
    let p = fence.partition;
    let traced = || [trace.traceparent.as_str().into(), trace.tracestate.as_str().into()];
    match effect {
        Effect::Changes { subject, cause, set } => {
            let (field, id) = match subject {
                Subject::Profile(profile) => ("profile", profile.as_str()),
                Subject::Session { session, .. } => ("session", SessionId::as_str(session)),
            };
            arguments.extend([
                "C".into(),
                field.into(),
                id.into(),
                tenant.as_str().into(),
                cause.as_str().into(),
                set.as_slice().into(),
            ]);
            arguments.extend(traced());
            keys.push(keys::pending(p, tenant, subject));
        }
        Effect::Mark { cause, set } => {
            arguments.extend([
                "M".into(),
                tenant.as_str().into(),
                cause.as_str().into(),
                set.as_slice().into(),
            ]);
        }
        Effect::Forward { event, profile, request } => {
            arguments.extend([
                "F".into(),
                event.as_str().into(),
                profile.as_str().into(),
                tenant.as_str().into(),
                request.as_slice().into(),
            ]);
            arguments.extend(traced());
        }
        Effect::Dead(letter) => {
            arguments.extend(["D".into(), tenant.as_str().into(), letter.as_slice().into()]);
            arguments.extend(traced());
        }
        Effect::Seen { event, entry, ending, life } => {
            let state = match ending {
                Ending::Done => "DONE",
                Ending::Dead => "DEAD",
            };
            arguments.extend(["S".into(), entry.to_string().into(), state.into(), millis(*life)]);
            keys.push(keys::seen(p, tenant, event));
        }
        Effect::Debounce { timer, quiet, longest, version, fields } => {
            arguments.extend([
                "T".into(),
                timer.as_str().into(),
                millis(*quiet),
                millis(*longest),
                version.to_string().into(),
            ]);
            arguments.extend(traced());
            arguments.push(count(fields.len()));
            for (name, value) in fields {
                arguments.extend([(*name).into(), value.as_str().into()]);
            }
            keys.push(keys::timer(p, timer));
        }
    }
}
