//! What was answered while an event is handled, so that a crash does not ask again (docs/protocol.md §6).

use crate::connection::{Redis, millis};
use crate::script::script;
use crate::{StreamsError, keys, owners::Fence};
use redis::Script;
use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;
use tributary_model::{EventId, PartitionId, TenantId};

static JOURNAL: LazyLock<Script> = LazyLock::new(|| script!(finishing "journal"));

impl Redis {
    /// Keeps an answer under `key` until the handling's commit forgets it ([`Effect::Forget`](crate::Effect::Forget)), and for
    /// `life` at most. The first answer stays: a repeat after a lost reply, or by a caller that was slower, changes nothing.
    pub async fn journal(
        &self,
        fence: &Fence,
        tenant: &TenantId,
        event: &EventId,
        key: &str,
        answer: &[u8],
        life: Duration,
    ) -> Result<(), StreamsError> {
        let p = fence.partition;
        let keys = [keys::boot(p), fence.key(), keys::journal(p, tenant, event)];
        let mut arguments = fence.arguments();
        arguments.extend([key.into(), answer.into(), millis(life)]);
        self.run(&JOURNAL, &keys, &arguments).await?.expect_ok()
    }

    /// All answers kept of an event, by key.
    pub async fn journaled(
        &self,
        p: PartitionId,
        tenant: &TenantId,
        event: &EventId,
    ) -> Result<HashMap<String, Vec<u8>>, StreamsError> {
        let answers = redis::cmd("HGETALL")
            .arg(keys::journal(p, tenant, event))
            .query_async(&mut self.connection())
            .await?;
        Ok(answers)
    }
}
