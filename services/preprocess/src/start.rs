//! Where a payload's events go first (docs/protocol.md §4.1). Pure.
//!
//! Duplicates are recognised in one slot, so a retry must start at the same slot whatever happened meanwhile: the answer
//! depends on the payload and on bindings that never change, never on who has merged with whom.

use crate::error::PayloadError;
use tributary_model::{IdKey, ProfileId, Recognised, SessionId, SourceName, TenantId};

/// The profile that a payload names, judged by looking at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// None.
    Nobody,
    /// One that the mesh made, or that the source may choose.
    Trusted(ProfileId),
    /// One that is replaced by one derived from it.
    Untrusted(ProfileId),
}

/// Judges the profile id of a payload.
///
/// # Errors
/// An id that the mesh made for another tenant is not found here.
pub fn judge(
    named: Option<&ProfileId>,
    tenant: &TenantId,
    source_trusted: bool,
    key: &IdKey,
) -> Result<Named, PayloadError> {
    let Some(id) = named else { return Ok(Named::Nobody) };
    match key.recognise(tenant, id) {
        Recognised::Ours => Ok(Named::Trusted(id.clone())),
        Recognised::OtherTenant => Err(PayloadError::ProfileNotFound),
        Recognised::Unknown if source_trusted => Ok(Named::Trusted(id.clone())),
        Recognised::Unknown => Ok(Named::Untrusted(id.clone())),
    }
}

/// How the start is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// At this profile; a session sent with it is bound to it if it is bound to none.
    Profile(ProfileId),
    /// At the session's profile; this one if it is bound to none.
    Session(ProfileId),
}

/// Decides the start: a trusted profile, else the session's, else one derived so that a retry derives the same.
/// `call` is the request id, or the first event's id where the call has none.
pub fn decide(
    named: &Named,
    session: Option<&SessionId>,
    call: &str,
    tenant: &TenantId,
    source: &SourceName,
    key: &IdKey,
) -> Start {
    match (named, session) {
        (Named::Trusted(id), _) => Start::Profile(id.clone()),
        (_, Some(session)) => Start::Session(key.mint_profile(tenant, &["session", session.as_str()])),
        (Named::Untrusted(id), None) => {
            Start::Profile(key.mint_profile(tenant, &["client", source.as_str(), id.as_str()]))
        }
        (Named::Nobody, None) => Start::Profile(key.mint_profile(tenant, &["call", source.as_str(), call])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> IdKey {
        IdKey::new("a secret of sixteen bytes or more").unwrap()
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    fn start(named: &Named, session: Option<&str>, call: &str) -> Start {
        let session = session.map(|id| SessionId::new(id).unwrap());
        decide(named, session.as_ref(), call, &tenant("t"), &SourceName::new("web").unwrap(), &key())
    }

    #[test]
    fn an_id_is_trusted_by_looking_at_it() {
        let ours = key().mint_profile(&tenant("t"), &["x"]);
        let theirs = key().mint_profile(&tenant("u"), &["x"]);
        let own = ProfileId::new("0001").unwrap();
        let judged = |id: &ProfileId, trusted| judge(Some(id), &tenant("t"), trusted, &key());
        assert_eq!(judged(&ours, false).unwrap(), Named::Trusted(ours.clone()));
        assert_eq!(judged(&own, true).unwrap(), Named::Trusted(own.clone()));
        assert_eq!(judged(&own, false).unwrap(), Named::Untrusted(own.clone()));
        assert!(judged(&theirs, false).is_err());
        assert!(judged(&theirs, true).is_err(), "no source may reach into another tenant");
    }

    #[test]
    fn a_trusted_profile_goes_before_the_session_and_the_session_before_an_untrusted_one() {
        let id = ProfileId::new("p").unwrap();
        assert_eq!(start(&Named::Trusted(id.clone()), Some("s"), "c"), Start::Profile(id.clone()));
        assert!(matches!(start(&Named::Untrusted(id.clone()), Some("s"), "c"), Start::Session(_)));
        assert!(matches!(start(&Named::Untrusted(id), None, "c"), Start::Profile(_)));
    }

    #[test]
    fn a_retry_starts_where_the_first_attempt_did_and_another_call_does_not() {
        assert_eq!(start(&Named::Nobody, None, "c1"), start(&Named::Nobody, None, "c1"));
        assert_ne!(start(&Named::Nobody, None, "c1"), start(&Named::Nobody, None, "c2"));
        assert_eq!(start(&Named::Nobody, Some("s"), "c1"), start(&Named::Nobody, Some("s"), "c2"));
    }
}
