//! The one way an event comes to exist (docs/protocol.md §4).

use crate::connection::{Argument, Redis, count, millis};
use crate::entry::Awaited;
use crate::keys::{self, Stream, Subject};
use crate::script::script;
use crate::seen::{self, Seen};
use crate::{StreamsError, reply::Reply};
use redis::Script;
use std::sync::LazyLock;
use std::time::Duration;
use tributary_model::{EventId, PartitionId, ProfileId, SessionId, StreamId, TenantId, Time, TraceContext};

static SCRIPT: LazyLock<Script> = LazyLock::new(|| script!("append"));

/// How long things are remembered, and how much may wait.
#[derive(Debug, Clone, Copy)]
pub struct AppendLimits {
    /// Within it a retry of an event is a duplicate.
    pub dedup_window: Duration,
    /// A session idle for longer opens its next visit.
    pub visit_timeout: Duration,
    /// Changes of one subject that no snapshot contains yet.
    pub pending: usize,
    /// Entries of `{p}:events` and `{p}:changes`.
    pub stream: usize,
}

/// An event with the changes it causes: written together or not at all.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The event's id.
    pub id: EventId,
    /// The encoded `Event`.
    pub event: Vec<u8>,
    /// The encoded `ChangeSet` of the profile, maybe without changes.
    pub profile_changes: Vec<u8>,
    /// The encoded `ChangeSet` of the session; `None` without a session.
    pub session_changes: Option<Vec<u8>>,
    /// What somebody waits for when it is appended.
    pub awaited: Awaited,
}

/// A payload's event, and what comes with it if it opens a visit.
#[derive(Debug, Clone)]
pub struct EventUnit {
    /// The event itself.
    pub unit: Unit,
    /// When it happened: what visits go by.
    pub time: Time,
    /// The derived event visit-started with the visit's change; dropped unless this event opens a visit.
    pub visit_started: Option<Unit>,
}

/// A visit as a slot on the way knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenVisit {
    /// The id of the opening event.
    pub opening_event: String,
    /// When it opened, in microseconds.
    pub opened_at: String,
    /// The greatest event time so far, in microseconds.
    pub last: String,
}

/// What is appended, where, and until when.
#[derive(Debug)]
pub struct Append<'a> {
    /// The partition of `profile`.
    pub partition: PartitionId,
    /// Who owns the events.
    pub tenant: &'a TenantId,
    /// The profile that the events are accepted at.
    pub profile: &'a ProfileId,
    /// The client's session.
    pub session: Option<&'a SessionId>,
    /// Whether `profile` is the one the session is bound to: only then may an event open a visit.
    pub may_open_visit: bool,
    /// The visit found in a slot on the way over aliases.
    pub handed_visit: Option<OpenVisit>,
    /// Redis time after which nothing is written; the caller has given up by then.
    pub not_after: Time,
    /// The derived event profile-created; dropped if the profile was created before.
    pub created: Option<&'a Unit>,
    /// The payload's events, in order.
    pub events: &'a [EventUnit],
    /// What each entry carries on.
    pub trace: &'a TraceContext,
}

/// What became of one event of the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppendedEvent {
    /// It exists now.
    Accepted {
        /// Its place in `{p}:events`.
        entry: StreamId,
        /// The place of its profile changes: the profile's version with them.
        profile_version: StreamId,
        /// The place of its last changes entry, the session's where there is one.
        last_change: StreamId,
        /// profile-created was written with it.
        created_profile: bool,
        /// visit-started was written with it.
        opened_visit: bool,
    },
    /// It existed before, and nothing was written.
    Duplicate {
        /// Its place in `{p}:events`; 0-0 where an event of the same payload would be written before it.
        entry: StreamId,
        /// The profile's version with what is known of its changes: its own, and once it was handled its workflows' too.
        version: StreamId,
    },
}

/// What the slot answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// The events are there, or were before.
    Done {
        /// One outcome for each event.
        events: Vec<AppendedEvent>,
        /// The profile's version before this append; 0-0 also where it is not in Redis any more.
        followed: StreamId,
        /// The same of the session's member.
        followed_session: StreamId,
    },
    /// The profile has merged into another one: go on there. Nothing was written.
    Alias {
        /// The profile to go on at.
        to: ProfileId,
        /// The merge is under way.
        merging: bool,
        /// The visit known here, for the next slot.
        visit: Option<OpenVisit>,
    },
    /// Too much waits: `pending` of this profile, or the partition's `stream`. Nothing was written.
    Full(&'static str),
    /// It was too late. Nothing was written.
    Expired,
}

impl Redis {
    /// Appends a payload's events; atomic, and safe to repeat.
    pub async fn append(&self, append: &Append<'_>, limits: &AppendLimits) -> Result<Appended, StreamsError> {
        self.ask(append, limits, false).await
    }

    /// What [`append`](Self::append) would answer now, with 0-0 for the places of what it would write. Nothing is written.
    pub async fn foresee(
        &self,
        append: &Append<'_>,
        limits: &AppendLimits,
    ) -> Result<Appended, StreamsError> {
        self.ask(append, limits, true).await
    }

    async fn ask(
        &self,
        append: &Append<'_>,
        limits: &AppendLimits,
        foresees: bool,
    ) -> Result<Appended, StreamsError> {
        let arguments = arguments(append, limits, foresees);
        let mut reply = self.run(&SCRIPT, &key_list(append), &arguments).await?;
        match reply.status()?.as_str() {
            "OK" => {
                let (followed, followed_session) = (reply.id()?, reply.id()?);
                let events =
                    append.events.iter().map(|_| outcome(reply.list()?)).collect::<Result<_, _>>()?;
                Ok(Appended::Done { events, followed, followed_session })
            }
            status @ ("ALIAS" | "MERGING") => Ok(Appended::Alias {
                merging: status == "MERGING",
                to: ProfileId::new(reply.text()?)
                    .map_err(|_| StreamsError::unexpected("an alias without target"))?,
                visit: visit(&mut reply)?,
            }),
            "FULL" if reply.text()? == "pending" => Ok(Appended::Full("pending")),
            "FULL" => Ok(Appended::Full("stream")),
            "EXPIRED" => Ok(Appended::Expired),
            other => Err(StreamsError::Broken(format!("the status {other}"))),
        }
    }
}

fn key_list(append: &Append<'_>) -> Vec<String> {
    let Append { partition: p, tenant, profile, .. } = *append;
    let pending_profile = keys::pending(p, tenant, &Subject::Profile(profile.clone()));
    // Without a session the script never touches the last three; declared keys must still lie in this slot.
    let (pending_session, snapshot_session, visit) = match append.session {
        Some(session) => {
            let subject = Subject::Session { session: session.clone(), origin: profile.clone() };
            (
                keys::pending(p, tenant, &subject),
                keys::snapshot(p, tenant, &subject),
                keys::visit(p, tenant, profile, session),
            )
        }
        None => {
            (pending_profile.clone(), pending_profile.clone(), keys::visit(p, tenant, profile, &no_session()))
        }
    };
    let mut keys = vec![
        keys::boot(p),
        keys::stream(p, Stream::Changes),
        keys::stream(p, Stream::Events),
        keys::alias(p, tenant, profile),
        pending_profile,
        pending_session,
        visit,
        keys::once_created(p, tenant, profile),
        keys::snapshot(p, tenant, &Subject::Profile(profile.clone())),
        snapshot_session,
    ];
    keys.extend(units(append).map(|unit| keys::seen(p, tenant, &unit.id)));
    keys
}

fn no_session() -> SessionId {
    SessionId::new("-").expect("a dash is an id")
}

/// All units in the order in which the script takes them.
fn units<'a>(append: &'a Append<'_>) -> impl Iterator<Item = &'a Unit> {
    let events =
        append.events.iter().flat_map(|event| std::iter::once(&event.unit).chain(&event.visit_started));
    append.created.into_iter().chain(events)
}

fn arguments<'a>(append: &'a Append<'_>, limits: &AppendLimits, foresees: bool) -> Vec<Argument<'a>> {
    let life = limits.dedup_window + limits.visit_timeout;
    let visit_timeout = i64::try_from(limits.visit_timeout.as_micros()).unwrap_or(i64::MAX);
    let handed = append.handed_visit.as_ref();
    let mut arguments: Vec<Argument<'a>> = vec![
        "".into(),
        (append.not_after.as_micros() / 1000).into(),
        millis(limits.dedup_window),
        millis(life),
        visit_timeout.into(),
        millis(life),
        count(limits.pending),
        count(limits.stream),
        append.tenant.as_str().into(),
        append.profile.as_str().into(),
        append.session.map_or("", SessionId::as_str).into(),
        append.may_open_visit.into(),
        handed.map_or("", |visit| &visit.opening_event).into(),
        handed.map_or("", |visit| &visit.opened_at).into(),
        handed.map_or("", |visit| &visit.last).into(),
        append.trace.traceparent.as_str().into(),
        append.trace.tracestate.as_str().into(),
        append.created.is_some().into(),
        count(append.events.len()),
        foresees.into(),
    ];
    if let Some(created) = append.created {
        push_unit(&mut arguments, created);
    }
    for event in append.events {
        arguments.push(event.time.as_micros().into());
        arguments.push(event.visit_started.is_some().into());
        push_unit(&mut arguments, &event.unit);
        if let Some(visit_started) = &event.visit_started {
            push_unit(&mut arguments, visit_started);
        }
    }
    arguments
}

fn push_unit<'a>(arguments: &mut Vec<Argument<'a>>, unit: &'a Unit) {
    arguments.push(unit.id.as_str().into());
    arguments.push(unit.event.as_slice().into());
    arguments.push(unit.profile_changes.as_slice().into());
    arguments.push(unit.session_changes.as_deref().unwrap_or_default().into());
    arguments.push(unit.awaited.code().into());
}

fn outcome(mut reply: Reply) -> Result<AppendedEvent, StreamsError> {
    match reply.text()?.as_str() {
        "ACCEPTED" => Ok(AppendedEvent::Accepted {
            entry: reply.id()?,
            profile_version: reply.id()?,
            last_change: reply.id()?,
            created_profile: reply.integer()? == 1,
            opened_visit: reply.integer()? == 1,
        }),
        _ => {
            let seen = reply.bytes()?;
            let Seen { entry, version, .. } = seen::parse(&seen)?;
            Ok(AppendedEvent::Duplicate { entry, version })
        }
    }
}

fn visit(reply: &mut Reply) -> Result<Option<OpenVisit>, StreamsError> {
    let (opening_event, opened_at, last) =
        (reply.optional_text()?, reply.optional_text()?, reply.optional_text()?);
    Ok(opening_event.zip(opened_at).zip(last).map(|((opening_event, opened_at), last)| OpenVisit {
        opening_event,
        opened_at,
        last,
    }))
}
