//! What follows a commit, in this order: snapshots, then publication. A crash in between is found by the next owner, who
//! looks at what is published (`recover.rs`); so publication has to come last.

use prost::Message as _;
use serde_json::{Map, Value};
use tributary_model::{ProfileId, StreamId, TenantId};
use tributary_proto::{convert, raw::RawStruct, v1};
use tributary_storage::{ProfileRow, SessionRow};
use tributary_streams::{Fence, Known, Publication, Stream, Subject};

use super::fold::Mark;
use crate::{
    cache::{Key, Member},
    configuration::Viewpoint,
    owner::{Lost, Partitions},
};

/// A committed row.
pub(crate) struct Folded {
    tenant: TenantId,
    subject: Subject,
    known: Known,
    /// Sessions: the profile that the session was bound to.
    bound: Option<ProfileId>,
    fields: Map<String, Value>,
}

impl Folded {
    pub(crate) fn of_profile_row(row: ProfileRow) -> Self {
        let ProfileRow { tenant, id, version, state, fields } = row;
        Self { tenant, subject: Subject::Profile(id), known: Known { version, state }, bound: None, fields }
    }

    pub(crate) fn of_session_row(row: SessionRow) -> Self {
        let SessionRow { tenant, id: session, origin, bound, version, state, fields } = row;
        let subject = Subject::Session { session, origin };
        Self { tenant, subject, known: Known { version, state }, bound: Some(bound), fields }
    }

    /// Rows that were read do not carry what people see.
    pub(crate) fn rendered(mut self, viewpoint: &Viewpoint) -> Self {
        self.fields = viewpoint.of(&self.tenant, &self.known.state).document();
        self
    }
}

/// Sets snapshots as of `position` and publishes, each row as `mark_of` says. Answers the rows, to be kept in memory.
pub(crate) async fn after_commit(
    partitions: &Partitions,
    fence: &Fence,
    position: StreamId,
    folded: Vec<Folded>,
    mark_of: impl Fn(&Key) -> Mark,
) -> Result<Vec<(Key, Member)>, Lost> {
    let mut profiles = Vec::new();
    let mut sessions = Vec::new();
    let mut snapshots = Vec::with_capacity(folded.len());
    let mut bounds = Vec::with_capacity(folded.len());
    for Folded { tenant, subject, known, bound, fields } in folded {
        let key = (tenant, subject);
        let mark = mark_of(&key);
        match &key.1 {
            Subject::Profile(id) => profiles.push(profile(&key.0, id, &known, &fields, mark)),
            Subject::Session { session, origin } => {
                let bound = bound.as_ref().unwrap_or(origin);
                sessions.push(session_member(&key.0, session.as_str(), origin, bound, &known, &fields, mark));
            }
        }
        snapshots.push((key.0, key.1, known));
        bounds.push(bound);
    }
    // Ascending: an id below the newest one of a stream is refused for ever.
    profiles.sort_unstable_by_key(|row| row.version);
    sessions.sort_unstable_by_key(|row| row.version);

    let redis = &partitions.redis;
    redis.set_snapshots(fence, position, &snapshots, partitions.settings.snapshot_life).await?;
    redis.publish(fence, Stream::Profiles, &profiles).await?;
    redis.publish(fence, Stream::Sessions, &sessions).await?;

    let members = snapshots.into_iter().zip(bounds).map(|((tenant, subject, known), bound)| {
        let Known { version, state } = known;
        ((tenant, subject), Member { version, state, bound })
    });
    Ok(members.collect())
}

/// `{p}:profiles` carries members: readers join them by origin and version.
fn profile(
    tenant: &TenantId,
    id: &ProfileId,
    known: &Known,
    fields: &Map<String, Value>,
    mark: Mark,
) -> Publication {
    let message = v1::Profile {
        tenant: tenant.to_string(),
        id: id.to_string(),
        version: convert::version_to_wire(known.version),
        fields: Some(RawStruct::from_object(fields)),
        members: vec![member(id, known)],
    };
    publication(tenant, id.as_str(), known.version, message.encode_to_vec(), mark)
}

fn session_member(
    tenant: &TenantId,
    id: &str,
    origin: &ProfileId,
    bound: &ProfileId,
    known: &Known,
    fields: &Map<String, Value>,
    mark: Mark,
) -> Publication {
    let message = v1::Session {
        tenant: tenant.to_string(),
        id: id.to_owned(),
        profile_id: bound.to_string(),
        version: convert::version_to_wire(known.version),
        fields: Some(RawStruct::from_object(fields)),
        members: vec![member(origin, known)],
    };
    publication(tenant, id, known.version, message.encode_to_vec(), mark)
}

fn member(origin: &ProfileId, known: &Known) -> v1::Member {
    v1::Member {
        origin: origin.to_string(),
        version: convert::version_to_wire(known.version),
        state: Some((&known.state).into()),
    }
}

fn publication(tenant: &TenantId, id: &str, version: StreamId, data: Vec<u8>, mark: Mark) -> Publication {
    let Mark { trace, historical } = mark;
    Publication { version, tenant: tenant.clone(), id: id.to_owned(), data, trace, historical }
}
