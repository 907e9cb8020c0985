//! Leases: one owner per partition and stage, fenced (docs/protocol.md §3).

use crate::connection::{Argument, Redis, millis};
use crate::script::script;
use crate::{StreamsError, keys};
use redis::Script;
use std::sync::LazyLock;
use std::time::Duration;
use tributary_model::PartitionId;

static ACQUIRE: LazyLock<Script> = LazyLock::new(|| script!(finishing "acquire"));
static RENEW: LazyLock<Script> = LazyLock::new(|| script!(finishing "renew"));
static ANNOUNCE: LazyLock<Script> = LazyLock::new(|| script!(finishing "announce"));

/// What proves that a caller owns a partition: every fenced script compares the whole of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The partition owned.
    pub partition: PartitionId,
    /// The owning stage, such as `workflow`.
    pub stage: &'static str,
    /// Rises with each acquisition.
    pub epoch: i64,
    nonce: String,
}

impl Fence {
    pub(crate) fn key(&self) -> String {
        keys::owner(self.partition, self.stage)
    }

    /// `boot`, `epoch`, `nonce`: the first arguments of every fenced script.
    pub(crate) fn arguments(&self) -> Vec<Argument<'_>> {
        vec!["".into(), self.epoch.to_string().into(), self.nonce.as_str().into()]
    }
}

impl Redis {
    /// Takes the partition if its lease has ended; `None` while someone holds it. The epoch is above `least_epoch`.
    pub async fn acquire(
        &self,
        partition: PartitionId,
        stage: &'static str,
        least_epoch: i64,
        lease: Duration,
    ) -> Result<Option<Fence>, StreamsError> {
        let nonce = format!("{:032x}", rand::random::<u128>());
        let arguments = [nonce.as_str().into(), least_epoch.into(), millis(lease)];
        let mut reply = self.run(&ACQUIRE, &[keys::owner(partition, stage)], &arguments).await?;
        match reply.status()?.as_str() {
            "OK" => {
                let epoch = reply.integer()?;
                Ok(Some(Fence { partition, stage, epoch, nonce }))
            }
            _ => Ok(None),
        }
    }

    /// Extends the lease; [`StreamsError::Fenced`] if it is not the caller's any more.
    pub async fn renew(&self, fence: &Fence, lease: Duration) -> Result<(), StreamsError> {
        self.set_lease(fence, lease).await
    }

    /// Gives the partition up at once, so that another process need not wait for the lease to end.
    pub async fn release(&self, fence: &Fence) -> Result<(), StreamsError> {
        self.set_lease(fence, Duration::ZERO).await
    }

    async fn set_lease(&self, fence: &Fence, lease: Duration) -> Result<(), StreamsError> {
        let arguments = [fence.epoch.to_string().into(), fence.nonce.as_str().into(), millis(lease)];
        self.run(&RENEW, &[fence.key()], &arguments).await?.expect_ok()
    }

    /// Registers this process of the stage for `life` and answers how many are alive; zero life takes it off.
    pub async fn announce(&self, stage: &str, instance: &str, life: Duration) -> Result<usize, StreamsError> {
        let mut reply = self.run(&ANNOUNCE, &[keys::live(stage)], &[instance.into(), millis(life)]).await?;
        Ok(usize::try_from(reply.integer()?).unwrap_or(1))
    }
}
