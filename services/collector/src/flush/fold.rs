//! Changes into rows: pure, and the same wherever the flushes' cuts fall.

use std::collections::{BTreeMap, HashMap};

use prost::Message as _;
use tributary_model::{Change, ProfileId, SessionId, State, StreamId, TenantId, Time, TraceContext};
use tributary_proto::{convert, v1};
use tributary_storage::{DeadRow, OriginRow, ProfileRow, SessionRow};
use tributary_streams::{Entry, Subject};

use crate::{
    cache::{Key, Member},
    configuration::Viewpoint,
    wire::{self, Unreadable},
};

/// An entry of `{p}:changes`, decoded.
#[derive(Debug)]
pub(crate) struct Step {
    id: StreamId,
    /// Which row it grows.
    pub(crate) key: Key,
    changes: Vec<Change>,
    /// Sessions: the profile that the session was bound to at acceptance.
    bound: Option<ProfileId>,
    received: Time,
    trace: TraceContext,
    historical: bool,
}

/// What a flush writes of its changes.
#[derive(Debug, Default)]
pub(crate) struct Folding {
    pub(crate) profiles: Vec<ProfileRow>,
    pub(crate) sessions: Vec<SessionRow>,
    /// Profiles that had no row.
    pub(crate) origins: Vec<OriginRow>,
    /// Entries that cannot be read.
    pub(crate) dead: Vec<DeadRow>,
    /// How each row is published.
    pub(crate) marks: HashMap<Key, Mark>,
}

/// What a publication says beside the row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The trace of the row's newest change.
    pub(crate) trace: TraceContext,
    /// All its entries in this flush are historical. Not known of what a former owner folded: that counts as live.
    pub(crate) historical: bool,
}

/// Decodes entries; those that cannot be read become dead rows.
pub(crate) fn decode(entries: &[Entry]) -> (Vec<Step>, Vec<DeadRow>) {
    let mut steps = Vec::with_capacity(entries.len());
    let mut unreadable = Vec::new();
    for entry in entries {
        match step(entry) {
            Ok(step) => steps.extend(step),
            Err(reason) => unreadable.push(dead("change", entry, &reason)),
        }
    }
    (steps, unreadable)
}

/// Applies steps, which come in the order of the stream, to the rows of before.
pub(crate) fn fold(steps: Vec<Step>, mut members: HashMap<Key, Member>, viewpoint: &Viewpoint) -> Folding {
    let mut folding = Folding::default();
    // By key, so that the order of rows does not depend on chance.
    let mut touched: BTreeMap<Key, Member> = BTreeMap::new();
    for step in steps {
        let member = touched.entry(step.key.clone()).or_insert_with_key(|key| {
            members.remove(key).unwrap_or_else(|| {
                folding.origins.extend(birth(key, step.received));
                Member { version: StreamId::default(), state: State::default(), bound: step.bound.clone() }
            })
        });
        for change in &step.changes {
            member.state.apply(change);
        }
        member.version = step.id;
        let mark = folding.marks.entry(step.key).or_insert(Mark { historical: true, ..Mark::default() });
        mark.trace = step.trace;
        mark.historical &= step.historical;
    }
    for ((tenant, subject), Member { version, state, bound }) in touched {
        let fields = viewpoint.of(&tenant, &state).document();
        match subject {
            Subject::Profile(id) => folding.profiles.push(ProfileRow { tenant, id, version, state, fields }),
            Subject::Session { session: id, origin } => {
                let bound = bound.unwrap_or_else(|| origin.clone());
                folding.sessions.push(SessionRow { tenant, id, origin, bound, version, state, fields });
            }
        }
    }
    folding
}

/// An entry set aside.
pub(crate) fn dead(kind: &'static str, entry: &Entry, reason: &Unreadable) -> DeadRow {
    let subject = [&entry.event_id, &entry.session, &entry.profile].into_iter().find(|id| !id.is_empty());
    DeadRow {
        tenant: entry.tenant.clone(),
        kind,
        subject: subject.cloned().unwrap_or_default(),
        entry: entry.id,
        reason: "UNREADABLE",
        message: reason.to_string(),
        data: entry.data.clone(),
    }
}

/// `None` for a mark: a cause that was handled and changed nothing.
fn step(entry: &Entry) -> Result<Option<Step>, Unreadable> {
    let set = v1::ChangeSet::decode(entry.data.as_slice())
        .map_err(|_| Unreadable::because("the entry is not a ChangeSet"))?;
    let subject = match set.target() {
        v1::Target::Profile => Subject::Profile(ProfileId::new(set.id).map_err(Unreadable::because)?),
        v1::Target::Session => Subject::Session {
            session: SessionId::new(set.id).map_err(Unreadable::because)?,
            origin: ProfileId::new(set.origin).map_err(Unreadable::because)?,
        },
        v1::Target::Unspecified if !set.cause_event_id.is_empty() && set.changes.is_empty() => {
            return Ok(None);
        }
        v1::Target::Unspecified => return Err(Unreadable::because("the entry has no target")),
    };
    let bound = match set.bound_profile_id {
        id if id.is_empty() => None,
        id => Some(ProfileId::new(id).map_err(Unreadable::because)?),
    };
    Ok(Some(Step {
        id: entry.id,
        key: (TenantId::new(set.tenant).map_err(Unreadable::because)?, subject),
        changes: convert::changes_from_wire(&set.changes).map_err(Unreadable::because)?,
        bound,
        received: wire::time(set.received.as_ref(), "received")?,
        trace: entry.trace.clone(),
        historical: set.historical,
    }))
}

fn birth((tenant, subject): &Key, born: Time) -> Option<OriginRow> {
    match subject {
        Subject::Profile(id) => Some(OriginRow { tenant: tenant.clone(), id: id.clone(), born }),
        Subject::Session { .. } => None,
    }
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
