//! The whole of a read: over aliases, cold or hot (docs/protocol.md §5).

use crate::StreamsError;
use crate::connection::Redis;
use crate::hot_read::{Found, HotRead, Installed, Known};
use crate::keys::Subject;
use std::future::Future;
use std::time::Duration;
use tributary_model::{Members, PartitionId, ProfileId, SessionId, StreamId, TenantId, partition_of};

/// More merges in a row than this are not followed: something is wrong, and the caller may try again.
pub const MAX_HOPS: usize = 8;

/// How often a row may turn out to be read too early before the caller is told to try again.
const MAX_STALE: usize = 5;

/// Where the rows of cold subjects are. The row and the partition's position must come from one snapshot.
pub trait Rows: Send + Sync {
    /// Why a row could not be read.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The subject's row, empty where there is none, and the position up to which the partition was folded.
    fn row(
        &self,
        p: PartitionId,
        tenant: &TenantId,
        subject: &Subject,
    ) -> impl Future<Output = Result<(Known, StreamId), Self::Error>> + Send;
}

/// Why a read has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError<E: std::error::Error + 'static> {
    /// Redis has no answer.
    #[error(transparent)]
    Streams(#[from] StreamsError),
    /// The row has no answer.
    #[error("a row could not be read")]
    Rows(#[source] E),
    /// The profile is being merged, or folded faster than it can be read: try again.
    #[error("the profile is on the move")]
    Moving,
}

/// What was read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The profile at the end of the walk: where it lives now.
    pub profile_id: ProfileId,
    /// What is known of it.
    pub profile: Known,
    /// The session's members found on the way; empty without a session.
    pub session: Members,
    /// The profiles walked over, the first one being where the walk started.
    pub walked: Vec<ProfileId>,
}

/// Reads profiles and sessions with every change acknowledged before the call.
#[derive(Clone)]
pub struct Reader<R> {
    redis: Redis,
    rows: R,
    partitions: u16,
    snapshot_life: Duration,
}

impl<R: Rows> Reader<R> {
    /// A reader over a deployment of `partitions`; snapshots that it installs live for `snapshot_life`.
    pub fn new(redis: Redis, rows: R, partitions: u16, snapshot_life: Duration) -> Self {
        Self { redis, rows, partitions, snapshot_life }
    }

    /// Where the rows come from.
    pub fn rows(&self) -> &R {
        &self.rows
    }

    /// Reads a profile, and a session's members in every slot that the walk passes.
    pub async fn read(
        &self,
        tenant: &TenantId,
        start: &ProfileId,
        session: Option<&SessionId>,
    ) -> Result<Reading, ReadError<R::Error>> {
        self.walk(tenant, start, true, session).await
    }

    /// Reads a session's members in every slot of the walk that begins at `start`. The profile is not read: it may be
    /// cold while the session is hot.
    pub async fn session(
        &self,
        tenant: &TenantId,
        start: &ProfileId,
        session: &SessionId,
    ) -> Result<Members, ReadError<R::Error>> {
        Ok(self.walk(tenant, start, false, Some(session)).await?.session)
    }

    /// A session's member at one profile, not following that profile's alias; `None` where nothing was recorded there.
    pub async fn member(
        &self,
        tenant: &TenantId,
        session: &SessionId,
        origin: &ProfileId,
    ) -> Result<Option<Known>, ReadError<R::Error>> {
        let p = partition_of(tenant, origin.as_str(), self.partitions);
        let subject = Subject::Session { session: session.clone(), origin: origin.clone() };
        let known = match self.redis.hot_member(p, tenant, &subject).await? {
            Found::Hot(known) => known,
            Found::Cold => self.load(p, tenant, &subject).await?,
        };
        Ok((known.version != StreamId::default()).then_some(known))
    }

    /// Follows merges to their end. Without `with_profile` the reading's profile stays empty.
    async fn walk(
        &self,
        tenant: &TenantId,
        start: &ProfileId,
        with_profile: bool,
        session: Option<&SessionId>,
    ) -> Result<Reading, ReadError<R::Error>> {
        let mut profile_id = start.clone();
        let mut members = Members::default();
        let mut walked = Vec::new();
        for _ in 0..=MAX_HOPS {
            walked.push(profile_id.clone());
            let p = partition_of(tenant, profile_id.as_str(), self.partitions);
            let session_here = session
                .map(|session| Subject::Session { session: session.clone(), origin: profile_id.clone() });
            let profile_here = with_profile.then(|| Subject::Profile(profile_id.clone()));
            let subjects: Vec<Subject> = profile_here.into_iter().chain(session_here).collect();
            match self.redis.hot_read(p, tenant, &profile_id, &subjects).await? {
                HotRead::Found(found) => {
                    let mut profile = Known::default();
                    for (subject, found) in subjects.iter().zip(found) {
                        let known = match found {
                            Found::Hot(known) => known,
                            Found::Cold => self.load(p, tenant, subject).await?,
                        };
                        match subject {
                            Subject::Profile(_) => profile = known,
                            Subject::Session { .. } if known.version == StreamId::default() => {}
                            Subject::Session { origin, .. } => {
                                members.insert(origin.clone(), known.version, known.state);
                            }
                        }
                    }
                    return Ok(Reading { profile_id, profile, session: members, walked });
                }
                HotRead::Alias { merging: true, .. } => return Err(ReadError::Moving),
                HotRead::Alias { to, merging: false } => {
                    if let Some(session) = session
                        && let Some(member) = self.member(tenant, session, &profile_id).await?
                    {
                        members.insert(profile_id.clone(), member.version, member.state);
                    }
                    profile_id = to;
                }
            }
        }
        Err(ReadError::Moving)
    }

    /// Loads a cold subject and installs it, again if the slot moved on in between.
    async fn load(
        &self,
        p: PartitionId,
        tenant: &TenantId,
        subject: &Subject,
    ) -> Result<Known, ReadError<R::Error>> {
        for _ in 0..MAX_STALE {
            let (row, stamp) = self.rows.row(p, tenant, subject).await.map_err(ReadError::Rows)?;
            match self.redis.install(p, tenant, subject, &row, stamp, self.snapshot_life).await? {
                Installed::Known(known) => return Ok(known),
                Installed::Stale => {}
            }
        }
        Err(ReadError::Moving)
    }
}
