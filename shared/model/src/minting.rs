//! Ids that the mesh makes. All of them are derived, none is random: a retry derives the same ones.

use crate::{EventId, ProfileId, TenantId};
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;
use thiserror::Error;

const PREFIX: &str = "prf_";
const BODY: usize = 16;
const TAG: usize = 3;
const CHECK: usize = 5;

/// The secret with which ids are made and recognised. One key per deployment; all stages hold the same.
#[derive(Clone)]
pub struct IdKey(Hmac<Sha256>);

/// The secret has fewer than 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the key for ids needs at least 16 bytes")]
pub struct KeyTooShort;

/// What a profile id tells about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognised {
    /// Made here, for this tenant.
    Ours,
    /// Made here, for another tenant.
    OtherTenant,
    /// Not made here, or altered.
    Unknown,
}

impl IdKey {
    /// A key from at least 16 secret bytes.
    ///
    /// # Errors
    /// Fewer bytes are refused.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, KeyTooShort> {
        let secret = secret.as_ref();
        if secret.len() < 16 {
            return Err(KeyTooShort);
        }
        Hmac::new_from_slice(secret).map(Self).map_err(|_| KeyTooShort)
    }

    /// The profile id for these parts (such as a source and a request id). Equal parts give equal ids.
    pub fn mint_profile(&self, tenant: &TenantId, parts: &[&str]) -> ProfileId {
        let named = [&["profile", tenant.as_str()], parts].concat();
        let mut id = Vec::with_capacity(BODY + TAG + CHECK);
        id.extend_from_slice(&self.keyed(&named)[..BODY]);
        id.extend_from_slice(&self.tenant_tag(tenant));
        let check = self.check(&id);
        id.extend_from_slice(&check);
        ProfileId::made(format!("{PREFIX}{}", BASE32_NOPAD.encode(&id).to_ascii_lowercase()))
    }

    /// Whether an id was made with this key, by looking at it alone: the answer can never change between two attempts.
    pub fn recognise(&self, tenant: &TenantId, id: &ProfileId) -> Recognised {
        let Some(bytes) = decode(id) else { return Recognised::Unknown };
        let (named, check) = bytes.split_at(BODY + TAG);
        if !same(&self.check(named), check) {
            Recognised::Unknown
        } else if same(&self.tenant_tag(tenant), &named[BODY..]) {
            Recognised::Ours
        } else {
            Recognised::OtherTenant
        }
    }

    /// A keyed hash as 32 hexadecimal digits, for instance the id of an event that came without one. `purpose` keeps
    /// different uses of equal parts apart.
    pub fn derive(&self, purpose: &str, parts: &[&str]) -> String {
        HEXLOWER.encode(&self.keyed(&[&["derive", purpose], parts].concat())[..16])
    }

    fn tenant_tag(&self, tenant: &TenantId) -> [u8; TAG] {
        head(&self.keyed(&["tenant", tenant.as_str()]))
    }

    fn check(&self, named: &[u8]) -> [u8; CHECK] {
        let mut mac = self.0.clone();
        part(&mut |bytes| mac.update(bytes), b"check");
        part(&mut |bytes| mac.update(bytes), named);
        head(&mac.finalize().into_bytes())
    }

    fn keyed(&self, parts: &[&str]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for text in parts {
            part(&mut |bytes| mac.update(bytes), text.as_bytes());
        }
        head(&mac.finalize().into_bytes())
    }
}

impl fmt::Debug for IdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdKey(hidden)")
    }
}

/// The id of an event that the mesh made because of another: the same parts always give the same id. Not keyed, so
/// that it stays the same when the key is changed.
pub fn derived_event_id(parts: &[&str]) -> EventId {
    let mut hash = Sha256::new();
    for text in parts {
        part(&mut |bytes| hash.update(bytes), text.as_bytes());
    }
    EventId::made(format!("drv_{}", HEXLOWER.encode(&hash.finalize()[..16])))
}

/// Parts go in with their length: `["ab", "c"]` and `["a", "bc"]` are different.
fn part(update: &mut dyn FnMut(&[u8]), bytes: &[u8]) {
    update(&(bytes.len() as u64).to_be_bytes());
    update(bytes);
}

fn decode(id: &ProfileId) -> Option<Vec<u8>> {
    let text = id.as_str().strip_prefix(PREFIX)?;
    // One spelling per id: a second one would be a second profile.
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()?;
    (bytes.len() == BODY + TAG + CHECK).then_some(bytes)
}

/// Compares without stopping at the first difference, so that the time tells nothing.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |seen, (x, y)| seen | (x ^ y)) == 0
}

fn head<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[..N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> IdKey {
        IdKey::new([byte; 16]).unwrap()
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    #[test]
    fn equal_parts_give_equal_ids_and_split_parts_do_not() {
        let (key, acme) = (key(1), tenant("acme"));
        assert_eq!(key.mint_profile(&acme, &["ab", "c"]), key.mint_profile(&acme, &["ab", "c"]));
        assert_ne!(key.mint_profile(&acme, &["ab", "c"]), key.mint_profile(&acme, &["a", "bc"]));
        assert_ne!(derived_event_id(&["ab", "c"]), derived_event_id(&["a", "bc"]));
        assert_ne!(key.derive("event", &["x"]), key.derive("other", &["x"]));
        assert_eq!(key.derive("event", &["x"]).len(), 32);
    }

    #[test]
    fn an_id_tells_whose_it_is() {
        let id = key(1).mint_profile(&tenant("acme"), &["x"]);
        assert_eq!(key(1).recognise(&tenant("acme"), &id), Recognised::Ours);
        assert_eq!(key(1).recognise(&tenant("other"), &id), Recognised::OtherTenant);
        assert_eq!(key(2).recognise(&tenant("acme"), &id), Recognised::Unknown);
    }

    #[test]
    fn an_altered_id_is_unknown() {
        let (key, acme) = (key(1), tenant("acme"));
        let id = key.mint_profile(&acme, &["x"]);
        for at in PREFIX.len()..id.as_str().len() {
            let mut bytes = id.as_str().as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
            let altered = ProfileId::new(String::from_utf8(bytes).unwrap()).unwrap();
            assert_eq!(key.recognise(&acme, &altered), Recognised::Unknown, "{at}");
        }
        let loud = ProfileId::new(id.as_str().to_ascii_uppercase()).unwrap();
        assert_eq!(key.recognise(&acme, &loud), Recognised::Unknown);
    }

    #[test]
    fn a_short_key_is_refused_and_a_key_is_never_shown() {
        assert_eq!(IdKey::new([0; 15]).unwrap_err(), KeyTooShort);
        assert_eq!(format!("{:?}", key(7)), "IdKey(hidden)");
    }

    #[test]
    fn derived_ids_never_change() {
        assert_eq!(derived_event_id(&["acme", "profile"]).as_str(), "drv_feea8753d091e755f8cb043796688926");
        assert_eq!(
            key(1).mint_profile(&tenant("acme"), &["x"]).as_str(),
            "prf_tq3uaazqacwtu4kmhhdygxei7eajyobnyum7yea"
        );
    }
}
