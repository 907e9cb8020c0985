//! Reading what is known of a profile or session, including every change acknowledged so far (docs/protocol.md §5).
//!
//! The slot holds a snapshot and the changes that no snapshot contains yet. [`Redis::hot_read`] folds both; where the
//! snapshot is missing the caller loads the row from Postgres and hands it to [`Redis::install`].

use crate::connection::{Redis, millis};
use crate::keys::{self, Subject};
use crate::script::script;
use crate::{StreamsError, reply, reply::Reply};
use prost::Message;
use redis::Script;
use std::sync::LazyLock;
use std::time::Duration;
use tributary_model::{PartitionId, ProfileId, State, StreamId, TenantId};
use tributary_proto::{convert, v1};

static HOT_READ: LazyLock<Script> = LazyLock::new(|| script!("hot_read"));
static INSTALL: LazyLock<Script> = LazyLock::new(|| script!("install"));

/// A state as of a position.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// The subject's own last change; 0-0 where nothing was recorded.
    pub version: StreamId,
    /// The fold of its changes up to there.
    pub state: State,
}

/// What a slot holds of one subject.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// Everything acknowledged so far.
    Hot(Known),
    /// No snapshot: load the row and the partition's position from Postgres, then [`Redis::install`].
    Cold,
}

/// A hot read's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum HotRead {
    /// One answer for each subject, in order.
    Found(Vec<Found>),
    /// The profile has merged: read on there. While `merging` nothing may be answered from it yet.
    Alias {
        /// The profile to read on at.
        to: ProfileId,
        /// The merge is under way.
        merging: bool,
    },
}

/// What [`Redis::install`] did.
#[derive(Debug, Clone, PartialEq)]
pub enum Installed {
    /// Snapshot and pending changes, folded.
    Known(Known),
    /// The row was read too early: read Postgres again.
    Stale,
}

impl Redis {
    /// Reads subjects that lie in the slot of `profile`, or answers where that profile went.
    pub async fn hot_read(
        &self,
        p: PartitionId,
        tenant: &TenantId,
        profile: &ProfileId,
        subjects: &[Subject],
    ) -> Result<HotRead, StreamsError> {
        let mut keys = vec![keys::boot(p), keys::alias(p, tenant, profile)];
        for subject in subjects {
            keys.push(keys::snapshot(p, tenant, subject));
            keys.push(keys::pending(p, tenant, subject));
        }
        let mut answer = self.run(&HOT_READ, &keys, &["".into()]).await?;
        match answer.status()?.as_str() {
            "OK" => {
                subjects.iter().map(|_| found(answer.list()?)).collect::<Result<_, _>>().map(HotRead::Found)
            }
            status => Ok(HotRead::Alias {
                merging: status == "MERGING",
                to: ProfileId::new(answer.text()?)
                    .map_err(|_| StreamsError::unexpected("an alias without target"))?,
            }),
        }
    }

    /// Reads one subject where it lies, whatever became of its profile.
    pub(crate) async fn hot_member(
        &self,
        p: PartitionId,
        tenant: &TenantId,
        subject: &Subject,
    ) -> Result<Found, StreamsError> {
        // A key that no profile has: the script finds no alias there.
        let keys = [
            keys::boot(p),
            keys::no_alias(p),
            keys::snapshot(p, tenant, subject),
            keys::pending(p, tenant, subject),
        ];
        let mut answer = self.run(&HOT_READ, &keys, &["".into()]).await?;
        answer.expect_ok()?;
        found(answer.list()?)
    }

    /// Installs what Postgres held when its position was `stamp`; a row that is missing is the empty state.
    pub async fn install(
        &self,
        p: PartitionId,
        tenant: &TenantId,
        subject: &Subject,
        row: &Known,
        stamp: StreamId,
        life: Duration,
    ) -> Result<Installed, StreamsError> {
        let keys = [
            keys::boot(p),
            keys::trimmed(p),
            keys::snapshot(p, tenant, subject),
            keys::pending(p, tenant, subject),
        ];
        let state = encode_state(&row.state);
        let arguments = [
            "".into(),
            stamp.to_string().into(),
            row.version.to_string().into(),
            state.as_slice().into(),
            millis(life),
        ];
        let mut answer = self.run(&INSTALL, &keys, &arguments).await?;
        match answer.status()?.as_str() {
            "OK" => {
                let upto = answer.id()?;
                fold(upto, &mut answer).map(Installed::Known)
            }
            _ => Ok(Installed::Stale),
        }
    }
}

pub(crate) fn encode_state(state: &State) -> Vec<u8> {
    v1::State::from(state).encode_to_vec()
}

fn found(mut item: Reply) -> Result<Found, StreamsError> {
    match item.optional_text()? {
        None => Ok(Found::Cold),
        Some(upto) => fold(reply::id(&upto)?, &mut item).map(Found::Hot),
    }
}

/// Snapshot ⊕ pending. Entries at or below `upto` are in the snapshot: filtered here, whether they were popped or not.
fn fold(upto: StreamId, item: &mut Reply) -> Result<Known, StreamsError> {
    let mut version = item.id()?;
    let encoded = item.bytes()?;
    let damaged = |what: &str| StreamsError::Broken(format!("a {what} that cannot be decoded"));
    let state = v1::State::decode(encoded.as_slice()).map_err(|_| damaged("snapshot"))?;
    let mut state = State::try_from(&state).map_err(|_| damaged("snapshot"))?;
    let mut pending = item.list()?;
    while pending.remaining() > 0 {
        let entry = pending.bytes()?;
        let space = entry.iter().position(|byte| *byte == b' ').ok_or_else(|| damaged("pending change"))?;
        let (id, blob) = (&entry[..space], &entry[space + 1..]);
        let id = reply::id(&String::from_utf8_lossy(id))?;
        if id <= upto {
            continue;
        }
        let set = v1::ChangeSet::decode(blob).map_err(|_| damaged("pending change"))?;
        for change in convert::changes_from_wire(&set.changes).map_err(|_| damaged("pending change"))? {
            state.apply(&change);
        }
        version = version.max(id);
    }
    Ok(Known { version, state })
}
