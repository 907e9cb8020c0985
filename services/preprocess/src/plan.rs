//! What a payload's events change, worked out before anything is written. Pure.
//!
//! Each accepted event becomes a unit: the event and its changes, appended together or not at all. profile-created and
//! visit-started are planned as units too; whether they are wanted is decided in the slot, where no other call can come
//! between the question and the answer.

mod admit;
mod encode;
mod marks;
mod wishes;

use crate::payload::{AcceptedEvent, Payload};
use admit::Allowance;
use marks::Marks;
use tributary_config::{EventView, Sight, Tenant, WaitFor};
use tributary_model::{
    Admission, Cause, Change, ChangeId, EventId, Limits, MAX_DEPTH, Op, Path, ProfileId, SessionId,
    SourceName, Stage, State, TenantId, Time, derived_event_id,
};
use tributary_proto::v1;
use tributary_streams::{Awaited, EventUnit, Unit};

const PROFILE_CREATED: &str = "profile-created";
const VISIT_STARTED: &str = "visit-started";

/// What a plan is made on.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// Who owns the events.
    pub tenant: &'a TenantId,
    /// What the tenant has configured.
    pub config: &'a Tenant,
    /// The configuration's revision.
    pub revision: &'a str,
    /// Where the payload came from.
    pub source: &'a SourceName,
    /// When it was received.
    pub received: Time,
    /// Set for a derived event.
    pub derivation: Option<&'a v1::Derivation>,
    /// The profile that the events are appended at.
    pub profile: &'a ProfileId,
    /// The session, and the profile that it is bound to.
    pub session: Option<(&'a SessionId, &'a ProfileId)>,
    /// What is known of the profile.
    pub profile_state: &'a State,
    /// What this profile's member of the session holds.
    pub session_state: &'a State,
    /// Nothing was ever recorded under the profile.
    pub is_new: bool,
    /// The only event is recorded to run this workflow; empty: those that it triggers.
    pub workflow: &'a str,
    /// What workflows do is to be told.
    pub with_runs: bool,
}

/// What was found wrong with an event. It counts all the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Marked {
    /// What was wrong, and left out because of it.
    pub problems: Vec<v1::EventProblem>,
    /// It does not fit its type's Schema: no mapping saw it, and no workflow will.
    pub invalid: bool,
}

/// One unit, with its changes as values.
#[derive(Debug, Clone)]
pub struct Planned {
    /// As it is appended.
    pub unit: Unit,
    /// What it changes in the profile.
    pub profile_changes: Vec<Change>,
    /// What it changes in the session.
    pub session_changes: Vec<Change>,
    /// What was wrong with its event.
    pub marked: Marked,
}

/// An event of the payload, planned.
#[derive(Debug, Clone)]
pub struct PlannedEvent {
    /// Its place in the payload.
    pub index: usize,
    /// When it happened.
    pub time: Time,
    /// The event.
    pub event: Planned,
    /// What comes with it if it opens a visit.
    pub visit_started: Option<Planned>,
}

/// A payload, planned.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// What comes with the first new event if the profile is new.
    pub created: Option<Planned>,
    /// The accepted events.
    pub events: Vec<PlannedEvent>,
}

impl Plan {
    /// The events as they are appended.
    pub fn units(&self) -> Vec<EventUnit> {
        let unit = |planned: &PlannedEvent| EventUnit {
            unit: planned.event.unit.clone(),
            time: planned.time,
            visit_started: planned.visit_started.as_ref().map(|planned| planned.unit.clone()),
        };
        self.events.iter().map(unit).collect()
    }
}

/// Plans a payload. Later events see the changes of earlier ones.
pub fn plan(payload: &Payload, ground: &Ground<'_>) -> Plan {
    let mut desk = Desk {
        payload,
        ground,
        profile: ground.profile_state.clone(),
        session: ground.session_state.clone(),
        depth: ground.derivation.map_or(0, |derivation| derivation.depth),
    };
    let mut plan = Plan::default();
    for (index, event) in payload.events.iter().enumerate() {
        if let Ok(event) = event {
            plan.events.push(desk.event(index, event));
        }
    }
    if let Some(first) = plan.events.first()
        && ground.is_new
        && desk.depth < MAX_DEPTH
    {
        let id = derived_event_id(&[PROFILE_CREATED, ground.tenant.as_str(), ground.profile.as_str()]);
        plan.created = Some(desk.derived(&first.event.unit.id, first.time, id, PROFILE_CREATED, Vec::new()));
    }
    plan
}

struct Desk<'a> {
    payload: &'a Payload,
    ground: &'a Ground<'a>,
    profile: State,
    session: State,
    depth: u32,
}

impl Desk<'_> {
    fn event(&mut self, index: usize, event: &AcceptedEvent) -> PlannedEvent {
        let derivation = self.ground.derivation.cloned();
        let mut planned = self.unit(event, derivation, Vec::new());
        planned.unit.awaited = self.awaited(event);
        planned.profile_changes.iter().for_each(|change| self.profile.apply(change));
        planned.session_changes.iter().for_each(|change| self.session.apply(change));
        let visit_started = self.visit_started(event);
        PlannedEvent { index, time: event.time, event: planned, visit_started }
    }

    /// Told to whoever handles the event, so that its end is announced.
    fn awaited(&self, event: &AcceptedEvent) -> Awaited {
        match event.wait_for {
            _ if self.ground.with_runs => Awaited::Runs,
            WaitFor::Accepted => Awaited::No,
            WaitFor::Workflow | WaitFor::Stored | WaitFor::Delivered => Awaited::Waits,
        }
    }

    /// Only an event accepted at the session's own profile may open a visit: one session counts once, even if the
    /// profiles merge later. A derived event opens none: nobody visited.
    fn visit_started(&self, event: &AcceptedEvent) -> Option<Planned> {
        let (session, bound) = self.ground.session?;
        if bound != self.ground.profile || self.ground.derivation.is_some() {
            return None;
        }
        let (tenant, opened_by) = (self.ground.tenant.as_str(), event.id.as_str());
        let id = derived_event_id(&[VISIT_STARTED, tenant, session.as_str(), opened_by]);
        let open = Change {
            id: ChangeId::open_visit(self.ground.profile, session, &event.id),
            event: id.clone(),
            time: event.time,
            path: Path::new("stats.visits").expect("a constant path is valid"),
            op: Op::OpenVisit { session: session.clone() },
        };
        Some(self.derived(&event.id, event.time, id, VISIT_STARTED, vec![open]))
    }

    fn derived(
        &self,
        cause: &EventId,
        time: Time,
        id: EventId,
        event_type: &str,
        first: Vec<Change>,
    ) -> Planned {
        let event = AcceptedEvent {
            id,
            event_type: event_type.to_owned(),
            time,
            properties: serde_json::Map::new(),
            raw_properties: None,
            warnings: Vec::new(),
            wait_for: WaitFor::Accepted,
        };
        let derivation = v1::Derivation { cause_event_id: cause.to_string(), depth: self.depth + 1 };
        self.unit(&event, Some(derivation), first)
    }

    /// An event with the changes that mappings make of it, `first` before them. What cannot be had of them is marked.
    fn unit(&self, event: &AcceptedEvent, derivation: Option<v1::Derivation>, first: Vec<Change>) -> Planned {
        let ground = self.ground;
        let view = EventView {
            id: event.id.as_str(),
            event_type: &event.event_type,
            time: event.time,
            received: ground.received,
            source: ground.source.as_str(),
            session_id: ground.session.map(|(session, _)| session.as_str()),
            properties: &event.properties,
            context: &self.payload.context,
        };
        let cause = Cause { event: event.id.clone(), stage: Stage::Preprocess };
        let limits = Limits::default();
        let admission = Admission {
            kinds: &ground.config.kinds,
            state: &self.profile,
            cause: &cause,
            commit_key: "0",
            time: event.time,
            first_ordinal: 0,
            limits: &limits,
        };
        let (sight, mut marks, mut allowance) =
            (Sight::of_event(view), Marks::default(), Allowance::default());
        let invalid = self.misfits(&view, &mut marks);

        let mut profile_changes = first;
        if !invalid {
            let wishes = wishes::of_profile(ground.config, &sight, &mut marks);
            profile_changes.extend(allowance.admit(&wishes, &admission, &mut marks));
        }
        let mut session_changes = Vec::new();
        if ground.session.is_some() {
            let mut wishes = wishes::of_mesh(&view);
            if !invalid {
                wishes.extend(wishes::of_session(ground.config, &sight, &mut marks));
            }
            let first_ordinal = u16::try_from(profile_changes.len()).unwrap_or(u16::MAX);
            let admission = Admission { state: &self.session, first_ordinal, ..admission };
            session_changes = allowance.admit(&wishes, &admission, &mut marks);
        }
        let marked = Marked { problems: marks.finish(), invalid };
        let unit = encode::unit(
            event,
            &marked,
            derivation,
            &profile_changes,
            &session_changes,
            self.payload,
            ground,
        );
        Planned { unit, profile_changes, session_changes, marked }
    }

    /// Whether the event does not fit a Schema of its type; where it does not is marked.
    fn misfits(&self, event: &EventView<'_>, marks: &mut Marks) -> bool {
        let mut fits = true;
        for schema in &self.ground.config.schemas {
            for misfit in schema.misfits(event) {
                marks.misfit(schema, &misfit);
                fits = false;
            }
        }
        !fits
    }
}

#[cfg(test)]
mod tests;
