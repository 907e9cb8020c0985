//! The story of a payload: check, find the start, read, plan, append, answer (docs/protocol.md §4 and §5).

use crate::answer::{self, Outcome};
use crate::error::ProcessError;
use crate::payload::{self, Circumstances, Payload};
use crate::plan::{self, Ground, Plan};
use crate::slots::Slots;
use crate::start::{self, Named, Start};
use std::sync::Arc;
use std::time::Duration;
use tracing::{Instrument, Span, info_span};
use tributary_config::Config;
use tributary_model::{
    IdKey, Kinds, Members, PartitionId, ProfileId, SessionId, SourceName, State, StreamId, TenantId, Time,
    partition_of,
};
use tributary_proto::v1;
use tributary_runtime::telemetry::{names, propagation};
use tributary_streams::{Append, AppendLimits, Appended, MAX_HOPS, OpenVisit, Reading};

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
}

/// The session of a payload, and the profile that it is bound to.
struct Bound {
    session: SessionId,
    profile: ProfileId,
}

impl<S: Slots> Processor<S> {
    /// Processes a payload under one revision of the configuration, from its first check to its answer and in every slot
    /// on the way. What is acknowledged in the answer is durable.
    ///
    /// # Errors
    /// Nothing was written, or it is not known whether it was: the same call with the same ids may be sent again.
    pub async fn process(
        &self,
        config: &Config,
        request: Request,
    ) -> Result<v1::TrackResponse, ProcessError> {
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
        };
        let outcome = self.walk(at, &ground).await?;
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
                    let changed = Outcome {
                        overtaken: followed > reading.profile.version || followed_session > session,
                        at,
                        before: reading,
                        plan,
                        events,
                        reread: None,
                        elsewhere: Members::default(),
                    };
                    return self.settle(changed, walk).await;
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

    /// Reads again what this call did not compute itself: duplicates' effects, what another call appended meanwhile, and the session's member at the profile
    /// that it is bound to where the payload named another one.
    async fn settle(&self, mut outcome: Outcome, walk: &Walk<'_>) -> Result<Outcome, ProcessError> {
        let session = walk.bound.map(|bound| &bound.session);
        if outcome.has_duplicates() || outcome.overtaken {
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

/// What stays the same from slot to slot.
pub(crate) struct Walk<'a> {
    tenant_id: &'a TenantId,
    tenant: &'a tributary_config::Tenant,
    revision: &'a str,
    source: &'a SourceName,
    derivation: Option<&'a v1::Derivation>,
    received: Time,
    not_after: Time,
    payload: &'a Payload,
    bound: Option<&'a Bound>,
}

impl Walk<'_> {
    pub(crate) fn tenant_id(&self) -> &TenantId {
        self.tenant_id
    }

    /// The kinds of the tenant's paths, which decide what is shown.
    pub(crate) fn kinds(&self) -> &Kinds {
        &self.tenant.kinds
    }

    pub(crate) fn received(&self) -> Time {
        self.received
    }

    /// The session, and the profile that it is bound to.
    pub(crate) fn session(&self) -> Option<(&SessionId, &ProfileId)> {
        self.bound.map(|bound| (&bound.session, &bound.profile))
    }

    /// The span of an append.
    fn span(&self, partition: PartitionId, events: usize) -> Span {
        info_span!(
            "append",
            { names::OTEL_NAME } = names::SEND_EVENTS,
            { names::OTEL_KIND } = "producer",
            { names::MESSAGING_SYSTEM } = names::MESSAGING_REDIS,
            { names::MESSAGING_OPERATION_TYPE } = "send",
            { names::MESSAGING_OPERATION_NAME } = names::SEND_EVENTS,
            { names::MESSAGING_DESTINATION_NAME } = "events",
            { names::MESSAGING_DESTINATION_PARTITION_ID } = %partition.0,
            { names::MESSAGING_BATCH_MESSAGE_COUNT } = names::number(events),
            { names::TENANT } = self.tenant_id.as_str(),
            { names::SOURCE } = self.source.as_str(),
            { names::REVISION } = self.revision,
        )
    }

    fn ground<'g>(&'g self, at: &'g ProfileId, reading: &'g Reading, empty: &'g State) -> Ground<'g> {
        Ground {
            tenant: self.tenant_id,
            config: self.tenant,
            revision: self.revision,
            source: self.source,
            received: self.received,
            derivation: self.derivation,
            profile: at,
            session: self.session(),
            profile_state: &reading.profile.state,
            session_state: reading.session.get(at).map_or(empty, |(_, state)| state),
            is_new: reading.profile.version == tributary_model::Version::default(),
        }
    }
}
