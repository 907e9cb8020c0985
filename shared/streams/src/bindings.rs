//! Which profile a session is bound to (docs/protocol.md §4.1).

use crate::connection::{Redis, millis};
use crate::script::script;
use crate::{StreamsError, keys};
use redis::Script;
use std::sync::LazyLock;
use std::time::Duration;
use tributary_model::{ProfileId, SessionId, TenantId, partition_of};

static BIND: LazyLock<Script> = LazyLock::new(|| script!("bind"));

impl Redis {
    /// The session's profile, if it is bound; its life is extended by being read.
    pub async fn binding(
        &self,
        tenant: &TenantId,
        session: &SessionId,
        partitions: u16,
        life: Duration,
    ) -> Result<Option<ProfileId>, StreamsError> {
        self.bind_or_read(tenant, session, None, partitions, life).await
    }

    /// The session's profile, if it is bound. Changes nothing, not even how long it is remembered.
    pub async fn bound(
        &self,
        tenant: &TenantId,
        session: &SessionId,
        partitions: u16,
    ) -> Result<Option<ProfileId>, StreamsError> {
        let key = keys::binding(partition_of(tenant, session.as_str(), partitions), tenant, session);
        let bound: Option<String> =
            redis::cmd("HGET").arg(key).arg("profile").query_async(&mut self.connection()).await?;
        bound.map(profile).transpose()
    }

    /// Binds the session to `candidate` unless it is bound, and answers what it is bound to.
    pub async fn bind(
        &self,
        tenant: &TenantId,
        session: &SessionId,
        candidate: &ProfileId,
        partitions: u16,
        life: Duration,
    ) -> Result<ProfileId, StreamsError> {
        self.bind_or_read(tenant, session, Some(candidate), partitions, life)
            .await?
            .ok_or_else(|| StreamsError::unexpected("no binding after binding"))
    }

    async fn bind_or_read(
        &self,
        tenant: &TenantId,
        session: &SessionId,
        candidate: Option<&ProfileId>,
        partitions: u16,
        life: Duration,
    ) -> Result<Option<ProfileId>, StreamsError> {
        let slot = partition_of(tenant, session.as_str(), partitions);
        let key = keys::binding(slot, tenant, session);
        let arguments = [candidate.map_or("", ProfileId::as_str).into(), millis(life)];
        let mut reply = self.run(&BIND, &[key], &arguments).await?;
        reply.optional_text()?.map(profile).transpose()
    }
}

fn profile(id: String) -> Result<ProfileId, StreamsError> {
    ProfileId::new(id).map_err(|_| StreamsError::unexpected("a binding to no profile id"))
}
