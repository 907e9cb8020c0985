//! Reads that see every change acknowledged before they began: snapshot and pending changes from Redis, the row from
//! Postgres where there is no snapshot (docs/protocol.md §5).

use std::time::Duration;

use tributary_model::{Members, PartitionId, ProfileId, SessionId, StreamId, TenantId, partition_of};
use tributary_runtime::SharedSettings;
use tributary_storage::{MemberRow, Storage};
use tributary_streams::{Found, HotRead, Installed, Known, Redis, Subject};

use crate::{error::ReadError, settings::Settings};

/// How many merges a read follows.
const HOPS: usize = 8;
/// How often a row is read again that was flushed meanwhile.
const ATTEMPTS: usize = 5;

/// A session as it now is.
pub(crate) struct SessionRead {
    /// The profile that it is bound to.
    pub(crate) bound: ProfileId,
    pub(crate) members: Members,
}

/// Reads profiles and sessions.
#[derive(Clone)]
pub(crate) struct Reader {
    redis: Redis,
    storage: Storage,
    partitions: u16,
    snapshot_life: Duration,
    binding_life: Duration,
}

impl Reader {
    pub(crate) fn new(redis: Redis, storage: Storage, shared: &SharedSettings, settings: &Settings) -> Self {
        Self {
            redis,
            storage,
            partitions: shared.partitions,
            snapshot_life: settings.snapshot_life,
            binding_life: shared.dedup_window + shared.visit_timeout,
        }
    }

    /// The profile and the id under which it is now known; without members where nothing was recorded.
    pub(crate) async fn profile(
        &self,
        tenant: &TenantId,
        id: &ProfileId,
    ) -> Result<(ProfileId, Members), ReadError> {
        let mut members = Members::default();
        let subject = |at: &ProfileId| Subject::Profile(at.clone());
        let end = self.walk(tenant, id, subject, &mut members).await?;
        Ok((end, members))
    }

    /// The session: its members at every profile it is known to have been at. `None`: never seen.
    pub(crate) async fn session(
        &self,
        tenant: &TenantId,
        session: &SessionId,
    ) -> Result<Option<SessionRead>, ReadError> {
        let mut bound = self.redis.binding(tenant, session, self.partitions, self.binding_life).await?;
        if bound.is_none() {
            // Redis forgets bindings of old sessions; their rows remember.
            bound = self.storage.bound_of(tenant, session).await?;
        }
        let Some(bound) = bound else { return Ok(None) };

        let mut members = Members::default();
        let subject = |at: &ProfileId| Subject::Session { session: session.clone(), origin: at.clone() };
        self.walk(tenant, &bound, subject, &mut members).await?;
        // Profiles that payloads named beside the session: what is known of them is in Postgres, what is newest in Redis.
        for stored in self.storage.session_members(tenant, session).await? {
            if members.get(&stored.origin).is_none() {
                members.insert(stored.origin.clone(), stored.member.version, stored.member.state);
                self.walk(tenant, &stored.origin, subject, &mut members).await?;
            }
        }
        Ok(Some(SessionRead { bound, members }))
    }

    /// Follows merges from `start` to their end and takes the subject's member of every place it passes: it is always
    /// right to join too much.
    async fn walk(
        &self,
        tenant: &TenantId,
        start: &ProfileId,
        subject: impl Fn(&ProfileId) -> Subject,
        members: &mut Members,
    ) -> Result<ProfileId, ReadError> {
        let mut at = start.clone();
        for _ in 0..HOPS {
            let p = partition_of(tenant, at.as_str(), self.partitions);
            let wanted = subject(&at);
            match self.redis.hot_read(p, tenant, &at, std::slice::from_ref(&wanted)).await? {
                HotRead::Found(found) => {
                    let known = match found.into_iter().next() {
                        Some(Found::Hot(known)) => known,
                        Some(Found::Cold) | None => self.warm(p, tenant, &wanted).await?,
                    };
                    if known.version != StreamId::default() {
                        members.insert(at.clone(), known.version, known.state);
                    }
                    return Ok(at);
                }
                // Until the merge is finished nothing may be answered from its target.
                HotRead::Alias { merging: true, .. } => return Err(ReadError::Moving),
                HotRead::Alias { to, .. } => at = to,
            }
        }
        Err(ReadError::Moving)
    }

    /// Loads the row with the position as of which it is true, and makes a snapshot of it.
    async fn warm(&self, p: PartitionId, tenant: &TenantId, subject: &Subject) -> Result<Known, ReadError> {
        for _ in 0..ATTEMPTS {
            let (row, stamp) = match subject {
                Subject::Profile(id) => self.storage.load_profile_with_position(tenant, id, p).await?,
                Subject::Session { session, origin } => {
                    self.storage.load_session_with_position(tenant, session, origin, p).await?
                }
            };
            let row = row.map(|MemberRow { version, state }| Known { version, state }).unwrap_or_default();
            match self.redis.install(p, tenant, subject, &row, stamp, self.snapshot_life).await? {
                Installed::Known(known) => return Ok(known),
                // A flush came between: its changes are in the row now.
                Installed::Stale => {}
            }
        }
        Err(ReadError::Moving)
    }
}
