//! Who may send what: the checks that need nothing but the credential and the shape of a payload. Pure.
//!
//! What is wrong with a single event is found by preprocess, which decodes the documents anyway.

use tributary_config::WriteKeys;
use tributary_model::{MAX_EVENTS, SourceName, TenantId};
use tributary_proto::v1;

/// Why a payload is turned away at the door.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No credential.
    #[error("send the source's write key as `authorization: Bearer KEY`")]
    NoKey,
    /// A credential that no source has.
    #[error("this write key belongs to no source")]
    UnknownKey,
    /// The payload names a source that the tenant does not have.
    #[error("the tenant of this write key has no such source")]
    UnknownSource,
    /// The payload names another source of the tenant.
    #[error("this write key belongs to another source")]
    OtherSource,
    /// A payload carries 1 to 100 events.
    #[error("a payload carries 1 to 100 events; this one has {count}")]
    EventCount {
        /// How many it has.
        count: usize,
    },
}

/// Whose payload it is, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Who owns the source.
    pub tenant: TenantId,
    /// The source.
    pub source: SourceName,
}

/// Checks a payload at the door. `knows` says whether a tenant has a source.
///
/// # Errors
/// The first thing that is wrong, credentials first: a stranger learns nothing else.
pub fn accept(
    bearer: Option<&str>,
    payload: &v1::TrackRequest,
    keys: &WriteKeys,
    knows: impl Fn(&TenantId, &str) -> bool,
) -> Result<Verified, Refusal> {
    let (tenant, source) = keys.find(bearer.ok_or(Refusal::NoKey)?).ok_or(Refusal::UnknownKey)?;
    let named = payload.source.as_str();
    if !named.is_empty() && named != source.as_str() {
        return Err(if knows(tenant, named) { Refusal::OtherSource } else { Refusal::UnknownSource });
    }
    match payload.events.len() {
        1..=MAX_EVENTS => Ok(Verified { tenant: tenant.clone(), source: source.clone() }),
        count => Err(Refusal::EventCount { count }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tributary_config::Config;

    fn check(bearer: Option<&str>, source: &str, events: usize) -> Result<Verified, Refusal> {
        let dir = tempfile::tempdir().unwrap();
        let documents = "
kind: Source
name: web
tenant: acme
spec: {write_keys: [{env: WEB_KEY}]}
---
kind: Source
name: app
tenant: acme
spec: {write_keys: [{env: APP_KEY}]}
";
        fs::write(dir.path().join("sources.yaml"), documents).unwrap();
        let config = Config::load(dir.path()).unwrap();
        let (keys, _) =
            config.write_keys_from(&|name: &str| Some(format!("write-key-of-{}", name.to_lowercase())));
        let payload = v1::TrackRequest {
            source: source.to_owned(),
            events: vec![v1::EventInput::default(); events],
            ..v1::TrackRequest::default()
        };
        accept(bearer, &payload, &keys, |tenant, source| {
            config
                .tenant(tenant)
                .is_some_and(|tenant| tenant.sources.keys().any(|name| name.as_str() == source))
        })
    }

    #[test]
    fn the_write_key_says_which_source_it_is() {
        let verified = check(Some("write-key-of-web_key"), "", 1).unwrap();
        assert_eq!((verified.tenant.as_str(), verified.source.as_str()), ("acme", "web"));
        assert_eq!(check(Some("write-key-of-web_key"), "web", 100).unwrap(), verified);
    }

    #[test]
    fn a_stranger_learns_nothing_but_that_the_key_is_wrong() {
        assert_eq!(check(None, "nowhere", 0), Err(Refusal::NoKey));
        assert_eq!(check(Some("guess"), "web", 0), Err(Refusal::UnknownKey));
    }

    #[test]
    fn a_key_opens_its_own_source_only() {
        assert_eq!(check(Some("write-key-of-web_key"), "app", 1), Err(Refusal::OtherSource));
        assert_eq!(check(Some("write-key-of-web_key"), "shop", 1), Err(Refusal::UnknownSource));
    }

    #[test]
    fn a_payload_has_one_to_a_hundred_events() {
        assert_eq!(check(Some("write-key-of-web_key"), "web", 0), Err(Refusal::EventCount { count: 0 }));
        assert_eq!(check(Some("write-key-of-web_key"), "web", 101), Err(Refusal::EventCount { count: 101 }));
    }
}
