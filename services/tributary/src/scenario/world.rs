//! A mesh in memory: the pure code of the stages, around slots and timers that live here. Everything happens at once, in the
//! order in which it comes; only deliveries of profiles and runs that pause wait for the clock.

mod runs;
mod sent;

use std::{collections::VecDeque, sync::Arc};

use futures::FutureExt as _;
use prost::Message as _;
use serde_json::{Map, Value};
use tributary_config::{Config, Scenario, ScenarioPayload, ScenarioStep, Tenant};
use tributary_model::{IdKey, ProfileId, SessionId, SourceName, TenantId, Time, TraceContext};
use tributary_preprocess::{
    ProcessError,
    process::{Processor, Request},
};
use tributary_proto::v1;
use tributary_runtime::ServiceError as _;
use tributary_streams::{AppendLimits, Effect, Subject as Changed};
use tributary_workflow::{derived_outcome, told::Took};

use super::{
    answering::Answering,
    happened::Happened,
    past::Past,
    paused::PausedRuns,
    slot::{Memory, PATIENCE},
    timers::{Schedule, Timers},
};

/// Ids are made with it: always the same ones, so that a scenario can name them.
const KEY: &str = "the key of every scenario";
/// As a deployment has by default.
const PARTITIONS: u16 = 32;
const LIMITS: AppendLimits = AppendLimits {
    dedup_window: std::time::Duration::from_secs(3600),
    visit_timeout: std::time::Duration::from_secs(1800),
    pending: usize::MAX,
    stream: usize::MAX,
};
/// A call takes so long: each comes after the one before.
const CALL: std::time::Duration = std::time::Duration::from_millis(1);
/// Events that one step may lead to, and runs that may go on in it. Depth alone bounds a fan-out at billions.
const MOST_EVENTS: usize = 2_000;

/// A mesh with one tenant.
pub(super) struct World<'c> {
    config: &'c Config,
    tenant_id: TenantId,
    tenant: &'c Tenant,
    processor: Processor<Memory>,
    now: Time,
    /// When something was tracked last.
    tracked: Option<Time>,
    events_made: usize,
    timers: Timers,
    paused: PausedRuns,
    past: Past,
    answering: Answering,
    /// Calls take no time here, and nobody traces anything.
    took: Took,
    trace: TraceContext,
    forwards: VecDeque<Vec<u8>>,
    /// Whom the payload that came last was about.
    pub(super) profile: Option<ProfileId>,
    /// Its session.
    pub(super) session: Option<SessionId>,
    /// What happened in this step.
    pub(super) happened: Happened,
}

impl<'c> World<'c> {
    pub(super) fn new(
        config: &'c Config,
        tenant_id: &TenantId,
        tenant: &'c Tenant,
        scenario: &Scenario,
    ) -> Self {
        let now = scenario.time;
        let slots = Memory::default();
        slots.set_clock(now);
        let processor = Processor {
            slots,
            key: Arc::new(IdKey::new(KEY).expect("the key is long enough")),
            partitions: PARTITIONS,
            limits: LIMITS,
        };
        World {
            config,
            tenant_id: tenant_id.clone(),
            tenant,
            processor,
            now,
            tracked: None,
            events_made: 0,
            timers: Timers::default(),
            paused: PausedRuns::default(),
            past: Past::default(),
            answering: Answering::new(&scenario.answers),
            took: Took::default(),
            trace: TraceContext::default(),
            forwards: VecDeque::new(),
            profile: None,
            session: None,
            happened: Happened::default(),
        }
    }

    /// Puts the profile there that a scenario begins with. It was published long ago.
    pub(super) fn give(&mut self, scenario: &Scenario) -> Result<(), String> {
        let Some(given) = &scenario.given else { return Ok(()) };
        let profile = ProfileId::new(given.profile_id.as_str()).map_err(|error| error.to_string())?;
        let changes = given.changes(&self.tenant.kinds)?;
        self.processor.slots.install(&profile, &changes);
        self.profile = Some(profile);
        Ok(())
    }

    /// The runs that wait, in words.
    pub(super) fn waiting(&self) -> impl Iterator<Item = String> {
        self.paused.told()
    }

    pub(super) fn now(&self) -> Time {
        self.now
    }

    /// The next step begins.
    pub(super) fn begin(&mut self, step: &ScenarioStep) {
        self.happened = Happened::default();
        self.answering.begin(&step.answers);
        self.events_made = 0;
    }

    /// Lets time pass. What is due on the way happens then: profiles are sent, and paused runs go on, with all that they lead
    /// to.
    pub(super) fn advance(&mut self, to: Time) {
        loop {
            let (run, delivery) = (self.paused.first_due(), self.timers.first_due());
            let Some(due) = run.into_iter().chain(delivery).min().filter(|due| *due <= to) else { break };
            self.set_clock(due.max(self.now));
            if run == Some(due) {
                self.resume();
                self.work();
            } else if let Some(timer) = self.timers.next_due(due) {
                self.deliver(&timer);
            }
        }
        self.set_clock(to.max(self.now));
    }

    /// Tracks a payload as a client would, then lets everything happen that it leads to. Answers what was sent.
    pub(super) fn track(&mut self, payload: &ScenarioPayload, numbered: &mut usize) -> v1::TrackRequest {
        if self.tracked == Some(self.now) {
            self.advance(self.now.plus(CALL));
        }
        self.tracked = Some(self.now);
        self.session = SessionId::new(payload.session_id.as_str()).ok();
        let request = sent::wire(payload, numbered);
        match self.process(payload.source.clone(), request.clone(), None) {
            Ok(answer) => {
                let profile = answer.profile.as_ref().map(|profile| ProfileId::new(profile.id.as_str()));
                self.profile = profile.and_then(Result::ok).or(self.profile.take());
                self.happened.answer(&answer);
            }
            Err(error) => self.happened.refused(&error.problem()),
        }
        self.settle();
        request
    }

    /// What a profile shows now.
    pub(super) fn profile_fields(&self, profile: &ProfileId) -> Option<Map<String, Value>> {
        let known = self.processor.slots.known(&Changed::Profile(profile.clone()));
        let members = tributary_model::Members::one(profile.clone(), known.version, known.state);
        let is_there = members.version() != Default::default();
        is_there.then(|| members.total().view_as(&self.tenant.kinds, self.now).document())
    }

    /// What a session shows now.
    pub(super) fn session_fields(&self, session: &SessionId) -> Option<Map<String, Value>> {
        let members = self.processor.slots.session(session);
        (!members.is_empty()).then(|| members.total().view_as(&self.tenant.kinds, self.now).document())
    }

    /// Everything that follows from what was appended: workflows, derived events, deliveries that wait for nothing.
    fn settle(&mut self) {
        self.work();
        self.advance(self.now);
    }

    fn work(&mut self) {
        loop {
            if let Some(event) = self.processor.slots.next_event() {
                self.handle(&event);
            } else if let Some(request) = self.forwards.pop_front() {
                self.forward(&request);
            } else {
                break;
            }
        }
        for (profile, version) in self.processor.slots.take_published() {
            let known = &self.tenant.destinations;
            let effects =
                tributary_dispatcher::schedule::of_profile(&self.tenant_id, &profile, version, known);
            self.commit(effects);
        }
    }

    /// As the owner of the forward stream does.
    fn forward(&mut self, request: &[u8]) {
        let request =
            v1::ProcessRequest::decode(request).expect("the workflow stage writes what it can read");
        let event_type = request.payload.as_ref().and_then(|payload| payload.events.first());
        let event_type = event_type.map(|event| event.r#type.clone()).unwrap_or_default();
        if self.events_made >= MOST_EVENTS {
            self.forwards.clear();
            return self.gave_up(&event_type);
        }
        let (Ok(source), Some(payload)) = (SourceName::new(request.source), request.payload) else { return };
        let outcome = match self.process(source, payload, request.derivation) {
            Ok(answer) => derived_outcome(&v1::ProcessResponse { answer: Some(answer) }),
            Err(error) => Err(error.problem().reason.to_owned()),
        };
        if let Err(reason) = outcome {
            self.happened.dead(&reason, &event_type);
        }
    }

    fn process(
        &mut self,
        source: SourceName,
        payload: v1::TrackRequest,
        derivation: Option<v1::Derivation>,
    ) -> Result<v1::TrackResponse, ProcessError> {
        let request = Request {
            tenant: self.tenant_id.clone(),
            source,
            payload,
            derivation,
            received: self.now,
            patience: PATIENCE,
            workflow: String::new(),
            with_runs: false,
        };
        at_once(self.processor.process(self.config, request))
    }

    /// As one commit of an owner does.
    fn commit(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Changes { subject, set, .. } => self.processor.slots.change(subject, &set),
                Effect::Forward { request, .. } => self.forwards.push_back(request),
                Effect::Dead(letter) => self.happened.dead_letter(&letter),
                Effect::Debounce { timer, quiet, longest, version, fields } => {
                    self.timers.schedule(Schedule { timer, quiet, longest, version, fields }, self.now);
                }
                Effect::Pause { timer, profile, delay, awaits, fields } => {
                    self.paused.pause(timer, profile, self.now.plus(delay), awaits, fields);
                }
                Effect::Resume { timer, .. } => {
                    self.paused.take(&timer);
                }
                Effect::Deliver { fields, .. } => self.send(&fields),
                Effect::Under { effect, .. } => self.commit(vec![*effect]),
                // Nobody waits here, and nothing is handled twice.
                Effect::Mark { .. } | Effect::Seen { .. } | Effect::Forget { .. } => {}
            }
        }
    }

    fn gave_up(&mut self, what: &str) {
        self.happened
            .note(format!("gave up after {MOST_EVENTS} events: {what} and what follows are left out"));
    }

    fn set_clock(&mut self, now: Time) {
        self.now = now;
        self.processor.slots.set_clock(now);
    }
}

/// What is in memory is there at once.
fn at_once<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("nothing in memory has to be waited for")
}
