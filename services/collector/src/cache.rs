//! Folded rows of one owned partition, kept so that a busy profile is not read back for every flush.
//!
//! Valid only while the lease is held, and only after commits that were answered: an owner that loses either drops the
//! whole of it.

use std::num::NonZeroUsize;

use lru::LruCache;
use tributary_model::{ProfileId, State, StreamId, TenantId};
use tributary_streams::Subject;

/// What a row is called.
pub(crate) type Key = (TenantId, Subject);

/// A member as of the last flush.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) version: StreamId,
    pub(crate) state: State,
    /// Sessions: the profile that the session was bound to.
    pub(crate) bound: Option<ProfileId>,
}

/// The rows used last, at most a fixed number.
pub(crate) struct Cache(LruCache<Key, Member>);

impl Cache {
    pub(crate) fn new(rows: usize) -> Self {
        Self(LruCache::new(NonZeroUsize::new(rows).unwrap_or(NonZeroUsize::MIN)))
    }

    /// Takes a row out: it is being changed, and comes back only after the commit.
    pub(crate) fn take(&mut self, key: &Key) -> Option<Member> {
        self.0.pop(key)
    }

    pub(crate) fn put(&mut self, key: Key, member: Member) {
        self.0.put(key, member);
    }
}
