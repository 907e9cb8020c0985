//! Reading a public stream through all partitions, from where the reader left it: for those outside the mesh
//! (docs/protocol.md §7).
//!
//! Nobody waits for such a reader and nothing is kept for it: what is trimmed before it comes is gone, and it is told. It
//! needs no ownership, writes nothing, and holds one page at most.

use crate::entry::Entry;
use crate::keys::{self, Stream};
use crate::news::News;
use crate::reply;
use crate::resume::{Standing, TokenError};
use crate::script::script;
use crate::{Redis, StreamsError, connection::count};
use futures::future::try_join_all;
use redis::Script;
use std::collections::VecDeque;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::time::Instant;
use tributary_model::{PartitionId, StreamId};

static PAGE: LazyLock<Script> = LazyLock::new(|| script!("page"));

/// What one read takes of one partition: a script holds up every other client of the node.
const PAGE_ENTRIES: usize = 50;
/// The page ends behind the entry that exceeds this.
const PAGE_BYTES: usize = 1024 * 1024;

/// Why a stream cannot be followed any further.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The resume token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Entries behind the position were trimmed before they were read.
    #[error("entries behind this position are not kept any more")]
    Trimmed,
    /// The position lies ahead of all that the stream ever had: Redis has lost entries that had been read.
    #[error("the stream has lost entries that were read before")]
    Ahead,
    /// Redis.
    #[error(transparent)]
    Streams(#[from] StreamsError),
}

/// One who follows a stream through all partitions.
pub struct Follower {
    redis: Redis,
    stream: Stream,
    /// Behind what was handed out.
    standing: Standing,
    news: News,
    /// Of one partition: read and not handed out.
    read: VecDeque<Entry>,
    reading: PartitionId,
    /// Partitions that have something to read, in turn.
    waiting: VecDeque<PartitionId>,
}

impl Redis {
    /// Follows a stream behind where `token` was given; without one, from now on.
    pub async fn follow(
        &self,
        stream: Stream,
        partitions: u16,
        token: &str,
    ) -> Result<Follower, FollowError> {
        let all = (0..partitions).map(PartitionId);
        let standing = if token.is_empty() {
            let pages = all.map(|p| self.page(p, stream, StreamId::default(), 0));
            Standing(try_join_all(pages).await?.into_iter().map(|page| page.last).collect())
        } else {
            Standing::from_token(token, stream, partitions)?
        };
        let follower = Follower {
            redis: self.clone(),
            stream,
            standing,
            news: self.news(),
            read: VecDeque::new(),
            reading: PartitionId(0),
            waiting: VecDeque::new(),
        };
        follower.check().await?;
        Ok(follower)
    }

    async fn page(
        &self,
        p: PartitionId,
        stream: Stream,
        after: StreamId,
        limit: usize,
    ) -> Result<Page, StreamsError> {
        let keys = [keys::stream(p, stream), keys::gone(p, stream)];
        let arguments = [after.to_string().into(), count(limit), count(PAGE_BYTES)];
        let mut answer = self.run(&PAGE, &keys, &arguments).await?;
        Ok(Page {
            gone: answer.optional_text()?.as_deref().map(reply::id).transpose()?.unwrap_or_default(),
            last: answer.id()?,
            entries: Entry::parse_all(answer.list()?)?,
        })
    }
}

impl Follower {
    /// The next entry, each partition's in order; `None` if none comes for as long as `longest`.
    pub async fn next(&mut self, longest: Duration) -> Result<Option<Entry>, FollowError> {
        let until = Instant::now() + longest;
        loop {
            if let Some(entry) = self.read.pop_front() {
                self.standing.reach(self.reading, entry.id);
                return Ok(Some(entry));
            }
            if let Some(p) = self.waiting.pop_front() {
                self.turn_to(p).await?;
                continue;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // A partition whose news were trimmed before anybody looked has none to tell.
                self.check().await?;
                return Ok(None);
            }
            let watched: Vec<_> = self.standing.partitions().map(|(p, at)| (p, self.stream, at)).collect();
            self.waiting.extend(self.news.wait(&watched, left).await?.into_iter().map(|(p, _, _)| p));
        }
    }

    /// Leads back to behind the last entry that was handed out.
    pub fn token(&self) -> String {
        self.standing.token(self.stream)
    }

    async fn turn_to(&mut self, p: PartitionId) -> Result<(), FollowError> {
        let after = self.standing.at(p);
        let page = self.redis.page(p, self.stream, after, PAGE_ENTRIES).await?;
        page.follows(after)?;
        if page.entries.len() == PAGE_ENTRIES {
            self.waiting.push_back(p);
        }
        self.reading = p;
        self.read.extend(page.entries);
        Ok(())
    }

    /// Whether every position can still be read from.
    async fn check(&self) -> Result<(), FollowError> {
        let checks = self.standing.partitions().map(async |(p, at)| {
            let page = self.redis.page(p, self.stream, at, 0).await?;
            page.follows(at)
        });
        try_join_all(checks).await.map(drop)
    }
}

/// What a stream has behind a position.
struct Page {
    /// The newest id ever trimmed.
    gone: StreamId,
    /// The newest id ever made, or at least one above the position.
    last: StreamId,
    entries: Vec<Entry>,
}

impl Page {
    /// Whether nothing is missing between the position and the entries. The first entry that is there tells nothing: ids
    /// have gaps of their own.
    fn follows(&self, position: StreamId) -> Result<(), FollowError> {
        if self.gone > position {
            Err(FollowError::Trimmed)
        } else if self.last < position {
            Err(FollowError::Ahead)
        } else {
            Ok(())
        }
    }
}
