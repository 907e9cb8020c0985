//! What a commit writes, one kind after the other, and how each is handed to its script (docs/protocol.md §6).

use crate::connection::{Argument, count, millis};
use crate::keys::{self, Subject};
use crate::owners::Fence;
use std::time::Duration;
use tributary_model::{EventId, ProfileId, SessionId, StreamId, TenantId, TraceContext};

/// The stage whose timers [`Effect::Deliver`] makes.
const DISPATCHER: &str = "dispatcher";

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
        /// The encoded `Outcome` for whoever waits or asks again; may be empty.
        outcome: Vec<u8>,
        /// Whether somebody may be waiting: the end is announced to [`Endings`](crate::Endings).
        announce: bool,
        /// The dedup window.
        life: Duration,
    },
    /// Something to do once the subject has been quiet, or has waited long enough.
    Debounce {
        /// Names the timer; see [`timer_id`](crate::timer_id).
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
    /// A run that waits: a timer of the owner's stage, listed with its profile. A timer of that id is replaced.
    Pause {
        /// Names the pause, and no other one; see [`timer_id`](crate::timer_id).
        timer: String,
        /// The profile in whose lane it goes on.
        profile: ProfileId,
        /// How long it waits at most.
        delay: Duration,
        /// The types of events that may make it go on before; may be empty.
        awaits: Vec<String>,
        /// What it goes on with. `traceparent` and `tracestate` are the commit's, and `attempts` counts how often it is handed out.
        fields: Vec<(&'static str, Vec<u8>)>,
    },
    /// A paused run that the event makes go on: its timer and its place in the profile's list are taken off, before anything
    /// else is written.
    Resume {
        /// The id of its timer.
        timer: String,
        /// The profile that it is listed with.
        profile: ProfileId,
    },
    /// A timer of the dispatcher, due at once. One that is there already stays as it is.
    Deliver {
        /// Names the delivery; see [`timer_id`](crate::timer_id).
        timer: String,
        /// What the timer carries.
        fields: Vec<(&'static str, String)>,
    },
    /// What was answered while the event was handled need not be known any more; see [`Redis::journal`](crate::Redis::journal).
    Forget {
        /// The event.
        event: EventId,
    },
    /// An effect that carries on another trace than the commit's: that of the event which it follows from.
    Under {
        /// The trace.
        trace: TraceContext,
        /// The effect.
        effect: Box<Effect>,
    },
}

/// Appends what the script needs to know of an effect, in the order in which it takes it.
pub(crate) fn push<'a>(
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
        Effect::Seen { event, entry, ending, outcome, announce, life } => {
            let state = match ending {
                Ending::Done => "DONE",
                Ending::Dead => "DEAD",
            };
            arguments.extend([
                "S".into(),
                entry.to_string().into(),
                state.into(),
                outcome.as_slice().into(),
                if *announce { keys::ending(tenant, event).into() } else { "".into() },
                millis(*life),
            ]);
            keys.extend([keys::seen(p, tenant, event), keys::endings(p)]);
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
            push_texts(fields, arguments);
            keys.push(keys::timer(p, timer));
        }
        Effect::Pause { timer, profile, delay, awaits, fields } => {
            arguments.extend(["P".into(), timer.as_str().into(), millis(*delay), listed(awaits).into()]);
            arguments.extend(traced());
            arguments.push(count(fields.len()));
            for (name, value) in fields {
                arguments.extend([(*name).into(), value.as_slice().into()]);
            }
            keys.extend([keys::timer(p, timer), keys::paused(p, tenant, profile)]);
        }
        Effect::Resume { timer, profile } => {
            arguments.extend(["R".into(), timer.as_str().into()]);
            keys.extend([keys::timer(p, timer), keys::paused(p, tenant, profile)]);
        }
        Effect::Deliver { timer, fields } => {
            arguments.extend(["V".into(), timer.as_str().into()]);
            arguments.extend(traced());
            push_texts(fields, arguments);
            keys.extend([keys::timer(p, timer), keys::timers(p, DISPATCHER)]);
        }
        Effect::Forget { event } => {
            arguments.push("J".into());
            keys.push(keys::journal(p, tenant, event));
        }
        Effect::Under { trace, effect } => push(effect, fence, tenant, trace, keys, arguments),
    }
}

fn push_texts<'a>(fields: &'a [(&'static str, String)], arguments: &mut Vec<Argument<'a>>) {
    arguments.push(count(fields.len()));
    for (name, value) in fields {
        arguments.extend([(*name).into(), value.as_str().into()]);
    }
}

/// Each type between two line ends, so that one is found by its whole name. No type has a line end in it.
fn listed(types: &[String]) -> String {
    types.iter().fold(String::from("\n"), |listed, one| listed + one + "\n")
}
