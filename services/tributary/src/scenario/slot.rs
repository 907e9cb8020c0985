//! What Redis and its scripts do for payloads, in memory: what is known, and what is decided where no other call can come
//! between (docs/protocol.md §4.3). A test compares its answers with those of the real script.
//!
//! Left out is what needs a mesh to matter: merging, and limits on what waits.

mod remembered;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use prost::Message as _;
use tributary_model::{
    Change, EventId, Members, PartitionId, ProfileId, SessionId, StreamId, TenantId, Time,
};
use tributary_preprocess::{ProcessError, slots::Slots};
use tributary_proto::{convert::changes_from_wire, v1};
use tributary_streams::{
    Append, AppendLimits, Appended, AppendedEvent, EventUnit, Known, OpenVisit, Reading, Subject, Unit,
};

use remembered::Remembered;

/// The slots of one tenant.
#[derive(Default)]
pub(super) struct Memory(Mutex<Inner>);

/// A changed profile, and its version then.
pub(super) type Version = (ProfileId, StreamId);

/// An event as it lies in the stream.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) entry: StreamId,
    pub(super) data: Vec<u8>,
}

#[derive(Default)]
struct Inner {
    now: Option<Time>,
    last: StreamId,
    known: HashMap<Subject, Known>,
    bindings: HashMap<SessionId, ProfileId>,
    /// With its place and the version that it made.
    seen: Remembered<(PartitionId, EventId), (StreamId, StreamId)>,
    created: Remembered<ProfileId, ()>,
    visits: Remembered<(ProfileId, SessionId), OpenVisit>,
    /// Events that nobody has handled yet.
    events: VecDeque<Stored>,
    /// Versions of profiles that nobody was told of yet.
    published: Vec<Version>,
}

impl Memory {
    /// Sets the clock of the slots.
    pub(super) fn set_clock(&self, now: Time) {
        self.inner().now = Some(now);
    }

    /// What is known of a profile, or of a session's member.
    pub(super) fn known(&self, subject: &Subject) -> Known {
        self.inner().known.get(subject).cloned().unwrap_or_default()
    }

    /// Everything that is known of a session, wherever it was recorded.
    pub(super) fn session(&self, session: &SessionId) -> Members {
        let mut members = Members::default();
        for (subject, known) in &self.inner().known {
            if let Subject::Session { session: of, origin } = subject
                && of == session
            {
                members.insert(origin.clone(), known.version, known.state.clone());
            }
        }
        members
    }

    /// The next event that nobody has handled.
    pub(super) fn next_event(&self) -> Option<Stored> {
        self.inner().events.pop_front()
    }

    /// The profiles that changed since this was asked for the last time.
    pub(super) fn take_published(&self) -> Vec<Version> {
        std::mem::take(&mut self.inner().published)
    }

    /// Folds a change set in, as it lies in `{p}:changes`.
    pub(super) fn change(&self, subject: Subject, set: &[u8]) {
        self.inner().fold(subject, set);
    }

    /// A profile that is there already.
    pub(super) fn install(&self, profile: &ProfileId, changes: &[Change]) {
        let mut inner = self.inner();
        let version = inner.next_id();
        let known = inner.known.entry(Subject::Profile(profile.clone())).or_default();
        changes.iter().for_each(|change| known.state.apply(change));
        known.version = version;
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots for Memory {
    async fn bind(
        &self,
        _: &TenantId,
        session: &SessionId,
        candidate: ProfileId,
        _: &AppendLimits,
    ) -> Result<ProfileId, ProcessError> {
        Ok(self.inner().bindings.entry(session.clone()).or_insert(candidate).clone())
    }

    async fn read(
        &self,
        _: &TenantId,
        profile: &ProfileId,
        session: Option<&SessionId>,
    ) -> Result<Reading, ProcessError> {
        let inner = self.inner();
        let known = |subject| inner.known.get(&subject).cloned();
        let mut members = Members::default();
        if let Some(session) = session
            && let Some(Known { version, state }) =
                known(Subject::Session { session: session.clone(), origin: profile.clone() })
        {
            members.insert(profile.clone(), version, state);
        }
        Ok(Reading {
            profile_id: profile.clone(),
            profile: known(Subject::Profile(profile.clone())).unwrap_or_default(),
            session: members,
            walked: vec![profile.clone()],
        })
    }

    async fn append(&self, append: &Append<'_>, limits: &AppendLimits) -> Result<Appended, ProcessError> {
        Ok(self.inner().append(append, limits))
    }

    fn durability(&self) -> v1::Durability {
        v1::Durability::Fsync
    }
}

impl Inner {
    fn append(&mut self, append: &Append<'_>, limits: &AppendLimits) -> Appended {
        let now = self.now();
        if now > append.not_after {
            return Appended::Expired;
        }
        let version = |subject: Option<Subject>| {
            subject
                .and_then(|subject| self.known.get(&subject))
                .map(|known| known.version)
                .unwrap_or_default()
        };
        let followed = version(Some(Subject::Profile(append.profile.clone())));
        let followed_session = version(append.session.map(|session| member(session, append.profile)));

        // All is asked before anything is written: an id that comes twice in one payload is one event.
        let mut fresh = HashSet::new();
        let is_new = |event: &EventUnit| {
            let id = (append.partition, event.unit.id.clone());
            self.seen.get(&id, now).is_none() && fresh.insert(id)
        };
        let new: Vec<bool> = append.events.iter().map(is_new).collect();
        let mut visit = append.session.and_then(|session| {
            let here = self.visits.get(&(append.profile.clone(), session.clone()), now).cloned();
            later(here, append.handed_visit.clone())
        });
        let mut last = visit.as_ref().and_then(last_of);

        let mut events = Vec::with_capacity(append.events.len());
        for (event, new) in append.events.iter().zip(new) {
            if !new {
                let id = (append.partition, event.unit.id.clone());
                let (entry, version) = self.seen.get(&id, now).copied().unwrap_or_default();
                events.push(AppendedEvent::Duplicate { entry, version });
                continue;
            }
            let life = limits.dedup_window + limits.visit_timeout;
            let (mut created_profile, mut opened_visit) = (false, false);
            if let Some(created) = append.created
                && self.created.get(append.profile, now).is_none()
            {
                self.write(created, append, limits);
                self.created.insert(append.profile.clone(), (), now.plus(life));
                created_profile = true;
            }
            if append.session.is_some() {
                let idle = last.is_none_or(|last: Time| event.time > last.plus(limits.visit_timeout));
                if let Some(started) = event.visit_started.as_ref().filter(|_| append.may_open_visit && idle)
                {
                    let (opening_event, opened_at) = (event.unit.id.to_string(), micros(event.time));
                    visit = Some(OpenVisit { opening_event, opened_at, last: micros(event.time) });
                    self.write(started, append, limits);
                    opened_visit = true;
                }
                last = last.max(Some(event.time));
            }
            let (entry, profile_version, last_change) = self.write(&event.unit, append, limits);
            if let (Some(session), Some(visit), Some(last)) = (append.session, &mut visit, last) {
                visit.last = micros(last);
                let key = (append.profile.clone(), session.clone());
                self.visits.insert(key, visit.clone(), now.plus(life));
            }
            events.push(AppendedEvent::Accepted {
                entry,
                profile_version,
                last_change,
                created_profile,
                opened_visit,
            });
        }
        Appended::Done { events, followed, followed_session }
    }

    /// The places of the event, of its profile changes, and of its last changes.
    fn write(
        &mut self,
        unit: &Unit,
        append: &Append<'_>,
        limits: &AppendLimits,
    ) -> (StreamId, StreamId, StreamId) {
        let version = self.fold(Subject::Profile(append.profile.clone()), &unit.profile_changes);
        let change = match (append.session, &unit.session_changes) {
            (Some(session), Some(set)) => self.fold(member(session, append.profile), set),
            _ => version,
        };
        let entry = self.next_id();
        self.events.push_back(Stored { entry, data: unit.event.clone() });
        let seen = (append.partition, unit.id.clone());
        self.seen.insert(seen, (entry, version), self.now().plus(limits.dedup_window));
        (entry, version, change)
    }

    fn fold(&mut self, subject: Subject, set: &[u8]) -> StreamId {
        let version = self.next_id();
        let set = v1::ChangeSet::decode(set).expect("the stages write what they can read");
        let changes = changes_from_wire(&set.changes).expect("the stages write what they can read");
        let known = self.known.entry(subject.clone()).or_default();
        changes.iter().for_each(|change| known.state.apply(change));
        known.version = version;
        // Nothing is delivered because of an import alone (docs/protocol.md §7).
        if let Subject::Profile(profile) = subject
            && !set.historical
        {
            self.published.push((profile, version));
        }
        version
    }

    /// Ascending, by the clock, as Redis makes them.
    fn next_id(&mut self) -> StreamId {
        let millis = u64::try_from(self.now().as_micros() / 1000).unwrap_or(0);
        let next = StreamId::new(millis, 0);
        self.last = if next > self.last { next } else { StreamId::new(self.last.ms, self.last.seq + 1) };
        self.last
    }

    fn now(&self) -> Time {
        self.now.unwrap_or(Time::MIN)
    }
}

/// Of two visits the one whose last event is the later one.
fn later(here: Option<OpenVisit>, handed: Option<OpenVisit>) -> Option<OpenVisit> {
    let is_later = handed.as_ref().and_then(last_of) > here.as_ref().and_then(last_of);
    if is_later { handed } else { here }
}

fn last_of(visit: &OpenVisit) -> Option<Time> {
    visit.last.parse().ok().map(Time::from_micros)
}

fn micros(time: Time) -> String {
    time.as_micros().to_string()
}

fn member(session: &SessionId, profile: &ProfileId) -> Subject {
    Subject::Session { session: session.clone(), origin: profile.clone() }
}

/// How long a payload may take: longer than anything takes in memory.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
