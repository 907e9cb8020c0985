//! Profiles and sessions: members, and the document that they show.

use super::{ConvertError, id_error, needed};
use crate::{raw::RawStruct, v1};
use tributary_model::{Members, ProfileId, SessionId, State, TenantId, Version, View};

/// A version as text that sorts bytewise; empty for "nothing yet".
pub fn version_to_wire(version: Version) -> String {
    if version == Version::default() { String::new() } else { version.sortable() }
}

/// A version from its text.
///
/// # Errors
/// Text that [`version_to_wire`] does not write.
pub fn version_from_wire(text: &str) -> Result<Version, ConvertError> {
    if text.is_empty() { Ok(Version::default()) } else { Ok(Version::from_sortable(text)?) }
}

/// The members as messages, by id.
pub fn members_to_wire(members: &Members) -> Vec<v1::Member> {
    let member = |(origin, version, state): (&ProfileId, Version, &State)| v1::Member {
        origin: origin.to_string(),
        version: version_to_wire(version),
        state: Some(state.into()),
    };
    members.iter().map(member).collect()
}

/// Members from messages; one that comes twice is joined.
///
/// # Errors
/// The first message that is not a member.
pub fn members_from_wire(wire: &[v1::Member]) -> Result<Members, ConvertError> {
    let mut members = Members::default();
    for member in wire {
        let origin = ProfileId::new(member.origin.as_str()).map_err(id_error("origin"))?;
        let state = State::try_from(needed(&member.state, "state")?)?;
        members.insert(origin, version_from_wire(&member.version)?, state);
    }
    Ok(members)
}

/// A profile as answered and published. `view` is what its members show now.
pub fn profile_to_wire(tenant: &TenantId, id: &ProfileId, members: &Members, view: &View) -> v1::Profile {
    v1::Profile {
        tenant: tenant.to_string(),
        id: id.to_string(),
        version: version_to_wire(members.version()),
        fields: Some(RawStruct::from_object(&view.document())),
        members: members_to_wire(members),
    }
}

/// A session as answered and published. `profile` is the one that it is bound to.
pub fn session_to_wire(
    tenant: &TenantId,
    id: &SessionId,
    profile: &ProfileId,
    members: &Members,
    view: &View,
) -> v1::Session {
    v1::Session {
        tenant: tenant.to_string(),
        id: id.to_string(),
        profile_id: profile.to_string(),
        version: version_to_wire(members.version()),
        fields: Some(RawStruct::from_object(&view.document())),
        members: members_to_wire(members),
    }
}
