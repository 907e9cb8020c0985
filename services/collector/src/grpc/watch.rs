//! Watching: public streams as they grow, each tenant's own, with a token to come back by.
//!
//! Any process of the collector serves any watcher, since public streams can be read without owning anything. Nothing is
//! read before the caller has taken what came before: a slow one holds a page in memory and no more, and is told once what
//! it has not read is trimmed.

use std::{pin::Pin, time::Duration};

use futures::stream::{self, Stream as Answers, StreamExt as _};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};
use tributary_model::TenantId;
use tributary_runtime::{StreamEnd, into_status};
use tributary_streams::{Entry, Follower, Redis, Stream};

use super::places::{Place, Places};
use crate::{error::ReadError, wire::Unreadable};

/// After this long without an answer the token alone is sent: one that is never renewed is trimmed past.
const QUIET: Duration = Duration::from_secs(10);

/// The answers of a watching call.
pub(crate) type Watching<A> = Pin<Box<dyn Answers<Item = Result<A, Status>> + Send>>;

/// What an entry of the tenant is to a watcher; `None` where it is not one that was asked for.
pub(super) type Pick<M> = Box<dyn Fn(&Entry) -> Result<Option<M>, Unreadable> + Send>;

/// Those who watch through this process.
pub(crate) struct Watchers {
    redis: Redis,
    partitions: u16,
    places: Places,
    stopping: CancellationToken,
}

/// What one of them wants.
pub(super) struct Wanted<'a, M, A> {
    pub(super) tenant: TenantId,
    pub(super) stream: Stream,
    pub(super) resume_token: &'a str,
    pub(super) pick: Pick<M>,
    /// From what was picked, if anything, and the token.
    pub(super) answer: fn(Option<M>, String) -> A,
}

impl Watchers {
    pub(crate) fn new(redis: Redis, partitions: u16, places: Places, stopping: CancellationToken) -> Self {
        Self { redis, partitions, places, stopping }
    }

    /// Begins to watch: positions are taken, and the token judged, before this answers.
    pub(super) async fn watch<T, M: Send + 'static, A: Send + 'static>(
        &self,
        call: &Request<T>,
        wanted: Wanted<'_, M, A>,
    ) -> Result<Watching<A>, ReadError> {
        let place = self.places.take(&wanted.tenant)?;
        let end = StreamEnd::of(call, self.stopping.clone());
        let Wanted { tenant, stream, resume_token, pick, answer } = wanted;
        let follower = self.redis.follow(stream, self.partitions, resume_token).await?;
        let watcher = Watcher { follower, tenant, pick, answer, end, told: Instant::now(), _place: place };
        let answers = stream::unfold(Some(watcher), async |watcher| {
            let mut watcher = watcher?;
            match watcher.next().await {
                Ok(answer) => Some((Ok(answer), Some(watcher))),
                Err(error) => Some((Err(into_status(&error)), None)),
            }
        });
        Ok(answers.boxed())
    }
}

struct Watcher<M, A> {
    follower: Follower,
    tenant: TenantId,
    pick: Pick<M>,
    answer: fn(Option<M>, String) -> A,
    end: StreamEnd,
    told: Instant,
    _place: Place,
}

impl<M, A> Watcher<M, A> {
    /// The next answer: what was found, or the token alone.
    async fn next(&mut self) -> Result<A, ReadError> {
        loop {
            let quiet = QUIET.saturating_sub(self.told.elapsed());
            let entry = tokio::select! {
                biased;
                problem = self.end.reached() => return Err(problem.into()),
                entry = self.follower.next(quiet) => entry?,
            };
            let found = entry.and_then(|entry| self.look_at(&entry));
            if found.is_some() || self.told.elapsed() >= QUIET {
                self.told = Instant::now();
                return Ok((self.answer)(found, self.follower.token()));
            }
        }
    }

    fn look_at(&self, entry: &Entry) -> Option<M> {
        if entry.tenant != self.tenant.as_str() {
            return None;
        }
        (self.pick)(entry).unwrap_or_else(|reason| {
            // The owner of the partition meets it too, and sets it aside.
            tracing::error!(entry = %entry.id, %reason, "an entry cannot be read and is not shown to a watcher");
            None
        })
    }
}
