//! What processing a payload would come to: the same story over slots that are read and never written.

use crate::error::ProcessError;
use crate::process::{Processor, Request};
use crate::slots::{Slots, Stored};
use prost::Message as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tributary_config::Config;
use tributary_model::{ProfileId, SessionId, State, StreamId, TenantId};
use tributary_proto::convert::changes_from_wire;
use tributary_proto::v1;
use tributary_streams::{Append, AppendLimits, Appended, AppendedEvent, Reading, StreamsError, Unit};

/// What [`Processor::process`] would answer and append, under the same refusals.
///
/// # Errors
/// Those of processing.
pub(crate) async fn preview(
    processor: &Processor<Stored>,
    config: &Config,
    request: Request,
) -> Result<v1::PreviewResponse, ProcessError> {
    let processor = Processor {
        slots: Foreseen { stored: processor.slots.clone(), units: Mutex::default() },
        key: processor.key.clone(),
        partitions: processor.partitions,
        limits: processor.limits,
    };
    let answer = processor.process(config, request).await?;
    let decoded = |(_, unit): &(ProfileId, Unit)| v1::Event::decode(unit.event.as_slice());
    let events: Result<Vec<_>, _> = processor.slots.units().iter().map(decoded).collect();
    let events = events.map_err(|_| unreadable())?;
    // There is no place of what is not there.
    Ok(v1::PreviewResponse { answer: Some(v1::TrackResponse { receipt: String::new(), ..answer }), events })
}

/// The slots of a mesh, with what would be appended beside them.
struct Foreseen {
    stored: Stored,
    /// What would be appended, and at which profile.
    units: Mutex<Vec<(ProfileId, Unit)>>,
}

impl Foreseen {
    fn units(&self) -> MutexGuard<'_, Vec<(ProfileId, Unit)>> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots for Foreseen {
    async fn bind(
        &self,
        tenant: &TenantId,
        session: &SessionId,
        candidate: ProfileId,
        _: &AppendLimits,
    ) -> Result<ProfileId, ProcessError> {
        let Stored { redis, reader, partitions } = &self.stored;
        if let Some(bound) = redis.bound(tenant, session, *partitions).await? {
            return Ok(bound);
        }
        Ok(reader.rows().bound_of(tenant, session).await?.unwrap_or(candidate))
    }

    async fn read(
        &self,
        tenant: &TenantId,
        profile: &ProfileId,
        session: Option<&SessionId>,
    ) -> Result<Reading, ProcessError> {
        let mut reading = self.stored.read(tenant, profile, session).await?;
        for (at, unit) in self.units().iter().filter(|(at, _)| *at == reading.profile_id) {
            reading.profile.version = next(reading.profile.version);
            apply(&unit.profile_changes, &mut reading.profile.state)?;
            if let (Some(_), Some(changes)) = (session, &unit.session_changes) {
                let (version, state) = reading.session.get(at).unzip();
                let mut state = state.cloned().unwrap_or_default();
                apply(changes, &mut state)?;
                reading.session.insert(at.clone(), next(version.unwrap_or_default()), state);
            }
        }
        Ok(reading)
    }

    async fn append(&self, append: &Append<'_>, limits: &AppendLimits) -> Result<Appended, ProcessError> {
        let mut appended = self.stored.redis.foresee(append, limits).await?;
        if let Appended::Done { events, followed, followed_session } = &mut appended {
            for (event, outcome) in append.events.iter().zip(events) {
                let AppendedEvent::Accepted {
                    profile_version,
                    last_change,
                    created_profile,
                    opened_visit,
                    ..
                } = outcome
                else {
                    continue;
                };
                // Of two states the one with the greater version holds: what would be there goes before what is.
                (*profile_version, *last_change) = (next(*followed), next(*followed_session));
                let created = append.created.filter(|_| *created_profile);
                let started = event.visit_started.as_ref().filter(|_| *opened_visit);
                let units = created.into_iter().chain(started).chain([&event.unit]);
                self.units().extend(units.map(|unit| (append.profile.clone(), unit.clone())));
            }
        }
        Ok(appended)
    }

    fn durability(&self) -> v1::Durability {
        v1::Durability::Unspecified
    }

    fn writes(&self) -> bool {
        false
    }
}

fn next(version: StreamId) -> StreamId {
    StreamId::new(version.ms, version.seq + 1)
}

/// Applies a change set of a unit.
fn apply(set: &[u8], state: &mut State) -> Result<(), StreamsError> {
    let set = v1::ChangeSet::decode(set).map_err(|_| unreadable())?;
    let changes = changes_from_wire(&set.changes).map_err(|_| unreadable())?;
    changes.iter().for_each(|change| state.apply(change));
    Ok(())
}

fn unreadable() -> StreamsError {
    StreamsError::Broken("what was planned a moment ago cannot be read".to_owned())
}
