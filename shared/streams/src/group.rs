//! Reading a stream as the owner of its partition: pending entries first, then new ones (docs/protocol.md §6).

use crate::connection::{Redis, count};
use crate::entry::Entry;
use crate::keys::{self, Stream};
use crate::script::script;
use crate::{StreamsError, owners::Fence};
use redis::Script;
use std::sync::LazyLock;
use tributary_model::{PartitionId, StreamId};

static ENSURE: LazyLock<Script> = LazyLock::new(|| script!(finishing "ensure_group"));
static READ: LazyLock<Script> = LazyLock::new(|| script!("read_group"));

/// The mesh's own consumer groups. Each has one consumer: the partition's owner, whoever that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// Runs workflows over `{p}:events`.
    Workflow,
    /// Hands `{p}:forward` to preprocess.
    Forwarder,
    /// Decides deliveries over `{p}:profiles`.
    Dispatcher,
}

impl Group {
    /// The group's name in Redis.
    pub fn name(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Forwarder => "forwarder",
            Self::Dispatcher => "dispatcher",
        }
    }

    /// The stream that it reads.
    pub fn stream(self) -> Stream {
        match self {
            Self::Workflow => Stream::Events,
            Self::Forwarder => Stream::Forward,
            Self::Dispatcher => Stream::Profiles,
        }
    }
}

/// Where to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// Entries handed out before and not finished, above this position. A new owner starts with these, from 0-0.
    Pending(StreamId),
    /// Entries that nobody was handed yet.
    New,
}

/// An entry handed to the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// The entry itself.
    pub entry: Entry,
    /// How often it was handed out, this time included.
    pub deliveries: u64,
}

impl Redis {
    /// Creates the group where it is missing, at the stream's beginning: what was written before it existed is read too.
    pub async fn ensure_group(&self, p: PartitionId, group: Group) -> Result<(), StreamsError> {
        let key = keys::stream(p, group.stream());
        self.run(&ENSURE, &[key], &[group.name().into()]).await?.expect_ok()
    }

    /// Up to `limit` entries, in order. Empty: nothing more of that sort.
    pub async fn read_group(
        &self,
        fence: &Fence,
        group: Group,
        from: From,
        limit: usize,
    ) -> Result<Vec<Handed>, StreamsError> {
        let position = match from {
            From::New => ">".to_owned(),
            From::Pending(above) => above.to_string(),
        };
        let keys = [keys::boot(fence.partition), fence.key(), keys::stream(fence.partition, group.stream())];
        let mut arguments = fence.arguments();
        arguments.extend([group.name().into(), count(limit), position.into()]);
        let mut reply = self.run(&READ, &keys, &arguments).await?;
        reply.expect_ok()?;
        let entries = Entry::parse_all(reply.list()?)?;
        let mut deliveries = reply.list()?;
        let mut handed = Vec::with_capacity(entries.len());
        for entry in entries {
            let deliveries = if deliveries.remaining() > 0 { deliveries.integer()? } else { 1 };
            handed.push(Handed { entry, deliveries: u64::try_from(deliveries).unwrap_or(1) });
        }
        Ok(handed)
    }
}
