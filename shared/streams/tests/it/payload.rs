//! What is appended, with defaults for everything that a test does not care about.

use crate::world::{P, now, tenant};
use prost::Message as _;
use std::time::Duration;
use tributary_model::{
    Amount, Change, ChangeId, EventId, Op, PartitionId, Path, ProfileId, SessionId, Stage, TenantId, Time,
    TraceContext,
};
use tributary_proto::{convert, v1};
use tributary_streams::{
    Append, AppendLimits, Appended, AppendedEvent, Awaited, EventUnit, OpenVisit, Redis, StreamsError, Unit,
};

pub(crate) const VISIT_TIMEOUT: Duration = Duration::from_secs(1800);

/// One payload, owned.
#[derive(Clone)]
pub(crate) struct Payload {
    pub(crate) partition: PartitionId,
    pub(crate) tenant: TenantId,
    pub(crate) profile: ProfileId,
    pub(crate) session: Option<SessionId>,
    pub(crate) bound: bool,
    pub(crate) handed: Option<OpenVisit>,
    pub(crate) not_after: Time,
    pub(crate) created: Option<Unit>,
    pub(crate) events: Vec<EventUnit>,
    pub(crate) trace: TraceContext,
    pub(crate) limits: AppendLimits,
}

impl Payload {
    /// Events of a profile without a session.
    pub(crate) fn of(profile: &str, events: &[&str]) -> Self {
        let profile = id(profile);
        let events = events.iter().map(|event| EventUnit {
            unit: unit(event, &profile, None),
            time: now(),
            visit_started: None,
        });
        Self {
            partition: P,
            tenant: tenant(),
            session: None,
            bound: true,
            handed: None,
            not_after: now().plus(Duration::from_secs(60)),
            created: None,
            events: events.collect(),
            trace: TraceContext::default(),
            limits: AppendLimits {
                dedup_window: Duration::from_secs(3600),
                visit_timeout: VISIT_TIMEOUT,
                pending: 10_000,
                stream: 100_000,
            },
            profile,
        }
    }

    /// The same events in a session; each brings the visit that it may open.
    pub(crate) fn in_session(mut self, session: &str) -> Self {
        let session = session_id(session);
        for event in &mut self.events {
            let name = event.unit.id.as_str().to_owned();
            event.unit = unit(&name, &self.profile, Some(&session));
            event.visit_started = Some(unit(&format!("{name}-visit"), &self.profile, Some(&session)));
        }
        self.session = Some(session);
        self
    }

    /// With the event that says that the profile is new.
    pub(crate) fn creating(mut self) -> Self {
        self.created = Some(unit(&format!("{}-created", self.profile), &self.profile, None));
        self
    }

    /// All events happened then.
    pub(crate) fn at(mut self, time: Time) -> Self {
        self.events.iter_mut().for_each(|event| event.time = time);
        self
    }

    pub(crate) async fn append(&self, redis: &Redis) -> Result<Appended, StreamsError> {
        redis.append(&self.to_append(), &self.limits).await
    }

    /// What appending it would come to.
    pub(crate) async fn foresee(&self, redis: &Redis) -> Result<Appended, StreamsError> {
        redis.foresee(&self.to_append(), &self.limits).await
    }

    fn to_append(&self) -> Append<'_> {
        Append {
            partition: self.partition,
            tenant: &self.tenant,
            profile: &self.profile,
            session: self.session.as_ref(),
            may_open_visit: self.bound,
            handed_visit: self.handed.clone(),
            not_after: self.not_after,
            created: self.created.as_ref(),
            events: &self.events,
            trace: &self.trace,
        }
    }

    /// Where nothing stands in the way.
    pub(crate) async fn outcomes(&self, redis: &Redis) -> anyhow::Result<Vec<AppendedEvent>> {
        match self.append(redis).await? {
            Appended::Done { events, .. } => Ok(events),
            other => anyhow::bail!("not appended: {other:?}"),
        }
    }
}

/// Which of the events exist now because of this call.
pub(crate) fn accepted(outcomes: &[AppendedEvent]) -> Vec<bool> {
    outcomes.iter().map(|outcome| matches!(outcome, AppendedEvent::Accepted { .. })).collect()
}

pub(crate) fn created(outcomes: &[AppendedEvent]) -> usize {
    let created =
        |outcome: &&AppendedEvent| matches!(outcome, AppendedEvent::Accepted { created_profile: true, .. });
    outcomes.iter().filter(created).count()
}

pub(crate) fn opened(outcomes: &[AppendedEvent]) -> usize {
    let opened =
        |outcome: &&AppendedEvent| matches!(outcome, AppendedEvent::Accepted { opened_visit: true, .. });
    outcomes.iter().filter(opened).count()
}

/// The change that an event makes: it adds one to the event's own counter, so a fold shows which were told, and how often.
pub(crate) fn change(event: &str) -> Change {
    let event = EventId::new(event).expect("tests use short ids");
    Change {
        id: ChangeId::derive(&event, Stage::Preprocess, "0", 0),
        time: Time::from_micros(0),
        path: Path::new(format!("told.{event}")).expect("tests use ids that are paths"),
        op: Op::Increment { by: Amount::from_millionths(1_000_000), tag: String::new() },
        event,
    }
}

/// The encoded set of that one change. Session and profile get the same.
pub(crate) fn change_set(event: &str, origin: &ProfileId) -> Vec<u8> {
    let changes = convert::changes_to_wire(&[change(event)]);
    v1::ChangeSet { origin: origin.to_string(), changes, ..Default::default() }.encode_to_vec()
}

pub(crate) fn unit(event: &str, profile: &ProfileId, session: Option<&SessionId>) -> Unit {
    Unit {
        id: EventId::new(event).expect("tests use short ids"),
        event: format!("the event {event}").into_bytes(),
        profile_changes: change_set(event, profile),
        session_changes: session.map(|_| change_set(event, profile)),
        awaited: Awaited::No,
    }
}

pub(crate) fn id(profile: &str) -> ProfileId {
    ProfileId::new(profile).expect("tests use short ids")
}

pub(crate) fn session_id(session: &str) -> SessionId {
    SessionId::new(session).expect("tests use short ids")
}
