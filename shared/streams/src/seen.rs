//! What a waiter of an event finds: the value of its `seen` (docs/protocol.md §6).

use crate::commit::Ending;
use crate::connection::Redis;
use crate::{StreamsError, keys};
use tributary_model::{EventId, PartitionId, TenantId};

/// How far an event has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is remembered of it: it was never accepted here, or the dedup window is over.
    Unknown,
    /// It is accepted, and its workflows have not run.
    Waiting,
    /// It was handled.
    Ended(Ending),
}

impl Redis {
    /// How far an event has come that was accepted in partition `p`.
    pub async fn progress(
        &self,
        p: PartitionId,
        tenant: &TenantId,
        event: &EventId,
    ) -> Result<Progress, StreamsError> {
        let seen: Option<String> =
            redis::cmd("GET").arg(keys::seen(p, tenant, event)).query_async(&mut self.connection()).await?;
        match seen.as_deref().map(|seen| seen.split_once(' ').unwrap_or((seen, "")).1) {
            None => Ok(Progress::Unknown),
            Some("WAITING") => Ok(Progress::Waiting),
            Some("DONE") => Ok(Progress::Ended(Ending::Done)),
            Some("DEAD") => Ok(Progress::Ended(Ending::Dead)),
            Some(other) => Err(StreamsError::Broken(format!("the end of an event is {other:?}"))),
        }
    }
}
