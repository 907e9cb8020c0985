//! A session as it now is: its members at every profile where its events are known to have been accepted.

use std::time::Duration;

use tributary_model::{Members, ProfileId, SessionId, TenantId};
use tributary_storage::Storage;
use tributary_streams::{Reader, Redis};

use crate::{configuration::Running, error::ReadError};

/// What a read found.
pub(crate) struct SessionRead {
    /// The profile that it is bound to.
    pub(crate) bound: ProfileId,
    pub(crate) members: Members,
}

/// Reads sessions.
#[derive(Clone)]
pub(crate) struct Sessions {
    pub(crate) redis: Redis,
    pub(crate) reader: Reader<Storage>,
    pub(crate) partitions: u16,
    /// How long a binding lives after it was used last.
    pub(crate) binding_life: Duration,
    /// By which what was read is shown.
    pub(crate) running: Running,
}

impl Sessions {
    /// The session; `None` where none of that id was ever seen.
    pub(crate) async fn read(
        &self,
        tenant: &TenantId,
        session: &SessionId,
    ) -> Result<Option<SessionRead>, ReadError> {
        let binding = self.redis.binding(tenant, session, self.partitions, self.binding_life).await?;
        let hot = binding.is_some();
        // Redis forgets bindings of old sessions; their rows remember.
        let bound = match binding {
            None => self.reader.rows().bound_of(tenant, session).await?,
            bound => bound,
        };
        let Some(bound) = bound else { return Ok(None) };

        let mut members = self.reader.session(tenant, &bound, session).await?;
        match self.join_others(tenant, session, &mut members).await {
            // Most sessions are at one profile: what Redis knows of them is worth more than no answer.
            Err(error) if hot && !members.is_empty() && error.is_postgres_away() => {
                tracing::debug!(%error, "a session is answered without its rows");
            }
            outcome => outcome?,
        }
        Ok(Some(SessionRead { bound, members }))
    }

    /// Joins the members at profiles that the walk does not pass: those that payloads named beside the session. Their
    /// rows say which; what is newest of each is read where it lies.
    async fn join_others(
        &self,
        tenant: &TenantId,
        session: &SessionId,
        members: &mut Members,
    ) -> Result<(), ReadError> {
        for stored in self.reader.rows().session_members(tenant, session).await? {
            if members.get(&stored.origin).is_none()
                && let Some(member) = self.reader.member(tenant, session, &stored.origin).await?
            {
                members.insert(stored.origin, member.version, member.state);
            }
        }
        Ok(())
    }
}
