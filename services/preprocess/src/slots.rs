//! Where payloads go: what processing one asks of the slots of its profile and session (docs/protocol.md §4 and §5).
//!
//! [`Processor`](crate::process::Processor) does not know what is behind it: Redis and Postgres in the stage, memory where
//! a scenario is tested without a mesh.

use crate::error::ProcessError;
use std::future::Future;
use tributary_model::{ProfileId, SessionId, TenantId};
use tributary_proto::v1;
use tributary_storage::Storage;
use tributary_streams::{Append, AppendLimits, Appended, Durability, Reader, Reading, Redis};

/// Binds sessions, reads what is known, appends what is new.
pub trait Slots: Send + Sync {
    /// Binds the session to `candidate` unless it is bound, and answers what it is bound to.
    fn bind(
        &self,
        tenant: &TenantId,
        session: &SessionId,
        candidate: ProfileId,
        limits: &AppendLimits,
    ) -> impl Future<Output = Result<ProfileId, ProcessError>> + Send;

    /// What is known of a profile, and of a session where one is named.
    fn read(
        &self,
        tenant: &TenantId,
        profile: &ProfileId,
        session: Option<&SessionId>,
    ) -> impl Future<Output = Result<Reading, ProcessError>> + Send;

    /// Appends a payload's events, all at once or not at all.
    fn append(
        &self,
        append: &Append<'_>,
        limits: &AppendLimits,
    ) -> impl Future<Output = Result<Appended, ProcessError>> + Send;

    /// What an acknowledgement is worth.
    fn durability(&self) -> v1::Durability;

    /// Whether anything comes of what is appended, so that a trace tells of it.
    fn writes(&self) -> bool {
        true
    }
}

/// The slots of a mesh: in Redis, with rows in Postgres for what is cold.
#[derive(Clone)]
pub struct Stored {
    /// The streams.
    pub redis: Redis,
    /// Reads what is known.
    pub reader: Reader<Storage>,
    /// Fixed per deployment.
    pub partitions: u16,
}

impl Slots for Stored {
    async fn bind(
        &self,
        tenant: &TenantId,
        session: &SessionId,
        candidate: ProfileId,
        limits: &AppendLimits,
    ) -> Result<ProfileId, ProcessError> {
        let life = limits.dedup_window + limits.visit_timeout;
        if let Some(bound) = self.redis.binding(tenant, session, self.partitions, life).await? {
            return Ok(bound);
        }
        // A session from before Redis remembers is still bound to whom its rows say.
        let candidate = self.reader.rows().bound_of(tenant, session).await?.unwrap_or(candidate);
        Ok(self.redis.bind(tenant, session, &candidate, self.partitions, life).await?)
    }

    async fn read(
        &self,
        tenant: &TenantId,
        profile: &ProfileId,
        session: Option<&SessionId>,
    ) -> Result<Reading, ProcessError> {
        Ok(self.reader.read(tenant, profile, session).await?)
    }

    async fn append(&self, append: &Append<'_>, limits: &AppendLimits) -> Result<Appended, ProcessError> {
        Ok(self.redis.append(append, limits).await?)
    }

    fn durability(&self) -> v1::Durability {
        match self.redis.durability() {
            Durability::Fsync => v1::Durability::Fsync,
            Durability::Relaxed => v1::Durability::Relaxed,
        }
    }
}
