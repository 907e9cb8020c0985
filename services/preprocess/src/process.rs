//! The story of a payload: check, find the start, read, plan, append, wait where that is asked for, answer (docs/protocol.md
//! §4 to §6).

mod walk;

use crate::answer::{self, Outcome};
use crate::error::ProcessError;
use crate::payload::{self, Circumstances};
use crate::plan::{self, Plan};
use crate::slots::Slots;
use crate::start::{self, Named, Start};
use crate::waiting::{AtOnce, Place, Waits};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{Instrument, Span};
use tributary_config::{Config, WaitFor};
use tributary_model::{
    IdKey, Members, ProfileId, SessionId, SourceName, State, StreamId, TenantId, Time, partition_of,
};
use tributary_proto::v1;
use tributary_runtime::telemetry::propagation;
use tributary_streams::{Append, AppendLimits, Appended, MAX_HOPS, OpenVisit};
pub(crate) use walk::Walk;

/// Everything that processing a payload needs. Cheap to clone.
#[derive(Clone)]
pub struct Processor<S> {
    /// Where payloads go.
    pub slots: S,
    /// Mints and recognises ids.
    pub key: Arc<IdKey>,
    /// Fixed per deployment.
    pub partitions: u16,
    /// How long things are remembered, and how much may wait.
    pub limits: AppendLimits,
}

/// A payload with what its caller has verified, and the time that its processing may take.
#[derive(Debug)]
pub struct Request {
    /// Who owns the source.
    pub tenant: TenantId,
    /// Where the payload came from.
    pub source: SourceName,
    /// The payload.
    pub payload: v1::TrackRequest,
    /// Set for a derived event.
    pub derivation: Option<v1::Derivation>,
    /// When it was received.
    pub received: Time,
    /// How long the caller waits for the answer.
    pub patience: Duration,
    /// The only event is recorded to run this workflow, and no other; empty: those that it triggers.
    pub workflow: String,
    /// The answer is to say what workflows did.
    pub with_runs: bool,
}

/// The session of a payload, and the profile that it is bound to.
struct Bound {
    session: SessionId,
    profile: ProfileId,
}

impl<S: Slots> Processor<S> {
    /// Processes a payload under one revision of the configuration, from its first check to its answer and in every slot
    /// on the way. What is acknowledged in the answer is durable. Nothing is waited for.
    ///
    /// # Errors
    /// Nothing was written, or it is not known whether it was: the same call with the same ids may be sent again.
    pub async fn process(
        &self,
        config: &Config,
        request: Request,
    ) -> Result<v1::TrackResponse, ProcessError> {
        self.process_and_wait(config, request, &AtOnce).await
    }

    /// The same, and waits for what the payload asks to be waited for, as long as its caller's patience allows.
    ///
    /// # Errors
    /// As of [`Processor::process`], and too many calls that wait.
    pub async fn process_and_wait(
        &self,
        config: &Config,
        request: Request,
        waits: &impl Waits,
    ) -> Result<v1::TrackResponse, ProcessError> {
        let until = Instant::now() + request.patience.saturating_sub(answering(request.patience));
        let tenant = config.tenant(&request.tenant).ok_or(ProcessError::UnknownSource)?;
        let source = tenant.sources.get(&request.source);
        // A derived event enters with its cause's source, which may have been removed since: no reason to lose it.
        if source.is_none() && request.derivation.is_none() {
            return Err(ProcessError::UnknownSource);
        }
        let circumstances = Circumstances {
            tenant: &request.tenant,
            source: &request.source,
            waive_ids: source.is_some_and(|source| source.waive_ids),
            wait_for: source.map(|source| source.wait_for).unwrap_or_default(),
            received: request.received,
            is_derived: request.derivation.is_some(),
            key: &self.key,
            random: rand::random(),
        };
        let payload = payload::check(request.payload, &circumstances)?;
        let durability = self.slots.durability();
        let Some(first) = payload.events.iter().flatten().next() else {
            return Ok(answer::nothing_accepted(&payload, durability, &config.revision));
        };

        let is_waited_for = |event: &payload::AcceptedEvent| event.wait_for > WaitFor::Accepted;
        // Before anything is written: whoever is refused loses nothing by coming again.
        let _room = payload.events.iter().flatten().any(is_waited_for).then(|| waits.enter()).transpose()?;

        let named = match (&payload.named_profile, &request.derivation) {
            // The mesh itself says whom a derived event is for.
            (Some(profile), Some(_)) => Named::Trusted(profile.clone()),
            (profile, _) => {
                let trusted = source.is_some_and(|source| source.trust_profile_ids);
                start::judge(profile.as_ref(), &request.tenant, trusted, &self.key)?
            }
        };
        let call = payload.request_id.as_deref().unwrap_or(first.id.as_str());
        let session = payload.session.as_ref();
        let start = start::decide(&named, session, call, &request.tenant, &request.source, &self.key);
        let (at, bound) = self.bind(&request.tenant, start, session).await?;

        let ground = Walk {
            tenant_id: &request.tenant,
            tenant,
            revision: &config.revision,
            source: &request.source,
            derivation: request.derivation.as_ref(),
            received: request.received,
            // A call that has been given up on must not write any more; a quarter of the window leaves room for retries.
            not_after: request.received.plus(request.patience.min(self.limits.dedup_window / 4)),
            payload: &payload,
            bound: bound.as_ref(),
            workflow: &request.workflow,
            with_runs: request.with_runs,
        };
        let mut outcome = self.walk(at, &ground).await?;
        let expected = outcome.expected(&payload);
        if !expected.is_empty() {
            let partition = partition_of(&request.tenant, outcome.at.as_str(), self.partitions);
            let place = Place { partition, tenant: &request.tenant, profile: &outcome.at };
            outcome.waited = waits.wait(&place, expected, until).await;
        }
        let outcome = self.settle(outcome, &ground).await?;
        Ok(answer::encode(&outcome, &payload, &named, &ground, durability, &config.revision))
    }

    /// Finds the profile where the events go first, binding the session on the way if it is bound to none.
    async fn bind(
        &self,
        tenant: &TenantId,
        start: Start,
        session: Option<&SessionId>,
    ) -> Result<(ProfileId, Option<Bound>), ProcessError> {
        let (named, candidate) = match start {
            Start::Profile(profile) => (Some(profile.clone()), profile),
            Start::Session(candidate) => (None, candidate),
        };
        let Some(session) = session else { return Ok((candidate, None)) };
        let bound = self.slots.bind(tenant, session, candidate, &self.limits).await?;
        let at = named.unwrap_or_else(|| bound.clone());
        Ok((at, Some(Bound { session: session.clone(), profile: bound })))
    }

    /// Appends at the start, or where its aliases lead.
    async fn walk(&self, start: ProfileId, walk: &Walk<'_>) -> Result<Outcome, ProcessError> {
        let session = walk.bound.map(|bound| &bound.session);
        let mut at = start;
        let mut visit: Option<OpenVisit> = None;
        let empty = State::default();
        for _ in 0..=MAX_HOPS {
            let reading = self.slots.read(walk.tenant_id, &at, session).await?;
            let plan = plan::plan(walk.payload, &walk.ground(&at, &reading, &empty));
            match self.append(&at, &plan, walk, visit.clone()).await? {
                Appended::Done { events, followed, followed_session } => {
                    let session =
                        reading.session.get(&at).map_or_else(StreamId::default, |(version, _)| version);
                    return Ok(Outcome {
                        overtaken: followed > reading.profile.version || followed_session > session,
                        at,
                        before: reading,
                        plan,
                        events,
                        waited: Vec::new(),
                        reread: None,
                        elsewhere: Members::default(),
                    });
                }
                Appended::Alias { to, merging: false, visit: found } => {
                    at = to;
                    visit = found.or(visit);
                }
                Appended::Alias { merging: true, .. } => return Err(ProcessError::Moving),
                Appended::Full(what) => return Err(ProcessError::Full(what)),
                Appended::Expired => return Err(ProcessError::Expired),
            }
        }
        Err(ProcessError::Moving)
    }

    async fn append(
        &self,
        at: &ProfileId,
        plan: &Plan,
        walk: &Walk<'_>,
        visit: Option<OpenVisit>,
    ) -> Result<Appended, ProcessError> {
        let units = plan.units();
        if units.is_empty() {
            let nothing = StreamId::default();
            return Ok(Appended::Done { events: Vec::new(), followed: nothing, followed_session: nothing });
        }
        let partition = partition_of(walk.tenant_id, at.as_str(), self.partitions);
        let span = if self.slots.writes() { walk.span(partition, units.len()) } else { Span::none() };
        let append = Append {
            partition,
            tenant: walk.tenant_id,
            profile: at,
            session: walk.bound.map(|bound| &bound.session),
            may_open_visit: walk.derivation.is_none() && walk.bound.is_some_and(|bound| bound.profile == *at),
            handed_visit: visit,
            not_after: walk.not_after,
            created: plan.created.as_ref().map(|planned| &planned.unit),
            events: &units,
            trace: &propagation::context_of(&span),
        };
        self.slots.append(&append, &self.limits).instrument(span).await
    }

    /// Reads again what this call did not compute itself: duplicates' effects, what another call appended meanwhile, what
    /// workflows changed that were waited for, and the session's member at the profile that it is bound to where the payload
    /// named another one.
    async fn settle(&self, mut outcome: Outcome, walk: &Walk<'_>) -> Result<Outcome, ProcessError> {
        let session = walk.bound.map(|bound| &bound.session);
        if outcome.has_duplicates() || outcome.overtaken || outcome.has_waited() {
            outcome.reread = Some(self.slots.read(walk.tenant_id, &outcome.at, session).await?);
        }
        if let Some(bound) = walk.bound
            && bound.profile != outcome.at
        {
            let there = self.slots.read(walk.tenant_id, &bound.profile, session).await?;
            outcome.elsewhere = there.session;
        }
        Ok(outcome)
    }
}

/// What the answer needs of the caller's patience once everything is waited for.
fn answering(patience: Duration) -> Duration {
    (patience / 10).clamp(Duration::from_millis(10), Duration::from_millis(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_the_patience_is_kept_for_the_answer_and_most_of_it_is_waited() {
        let kept = |patience| answering(Duration::from_millis(patience)).as_millis();
        assert_eq!([20, 100, 500, 1_000, 60_000].map(kept), [10, 10, 50, 100, 100]);
    }
}
