//! Who is calling: the mesh itself, or an administrator of a tenant.
//!
//! Write keys of sources are configuration and checked by the ingest stage; here is what the environment gives to every
//! stage. All comparisons take the same time wherever the first difference is.

use std::{collections::HashSet, sync::Arc};

use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

use crate::fault::{Fault, Problem, problem_status};

/// The metadata key of the mesh credential. Its own key, so that an RPC can be open to both the mesh and administrators.
pub const MESH_KEY: &str = "tributary-mesh-credential";

/// The metadata key of further tenants' admin keys, one value each, for calls that concern several tenants at once.
pub const TENANT_KEY: &str = "tributary-tenant-key";

/// The token of `authorization: Bearer <token>`.
pub fn bearer(metadata: &MetadataMap) -> Option<&str> {
    let header = metadata.get("authorization")?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Whether two secrets are equal, in a time that depends on their lengths only.
pub fn same_secret(given: &str, expected: &str) -> bool {
    bool::from(given.as_bytes().ct_eq(expected.as_bytes()))
}

/// What the stages of one mesh show each other on internal RPCs.
#[derive(Clone, Debug)]
pub struct MeshCredential {
    secret: SecretString,
}

impl MeshCredential {
    /// The credential given to all stages.
    pub fn new(secret: impl Into<SecretString>) -> Self {
        Self { secret: secret.into() }
    }

    /// Refuses a call that does not come from a stage.
    ///
    /// # Errors
    /// UNAUTHENTICATED with reason CREDENTIAL_MISSING or CREDENTIAL_INVALID.
    pub fn check(&self, metadata: &MetadataMap) -> Result<(), Problem> {
        let given = metadata.get(MESH_KEY).ok_or_else(missing)?.to_str().unwrap_or_default();
        if same_secret(given, self.secret.expose_secret()) { Ok(()) } else { Err(invalid()) }
    }

    /// Whether the call shows a mesh credential at all, for RPCs that accept more than one kind of caller.
    pub fn is_shown(metadata: &MetadataMap) -> bool {
        metadata.contains_key(MESH_KEY)
    }

    /// Shows the credential on an outgoing call.
    pub fn attach(&self, metadata: &mut MetadataMap) {
        // A secret that cannot travel in a header is sent as nothing, and the other side says CREDENTIAL_MISSING.
        if let Ok(mut value) = self.secret.expose_secret().parse::<MetadataValue<Ascii>>() {
            value.set_sensitive(true);
            metadata.insert(MESH_KEY, value);
        }
    }

    /// The check as an interceptor, for a service that only stages may call.
    pub fn guard(&self) -> MeshGuard {
        MeshGuard { credential: self.clone() }
    }
}

/// Lets only stages of the mesh through.
#[derive(Clone, Debug)]
pub struct MeshGuard {
    credential: MeshCredential,
}

impl Interceptor for MeshGuard {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        self.credential.check(request.metadata()).map_err(|problem| problem_status(&problem))?;
        Ok(request)
    }
}

/// A shorter admin key can be guessed.
const MIN_ADMIN_KEY_BYTES: usize = 16;

/// The administrators' keys, each for one tenant.
#[derive(Clone, Debug, Default)]
pub struct AdminKeys {
    keys: Arc<[(String, SecretString)]>,
}

impl AdminKeys {
    /// Reads `tenant:key`, separated by spaces; a key has at least 16 characters. A tenant may have several keys, so
    /// that one can be replaced in peace.
    ///
    /// # Errors
    /// A sentence that says which entry is wrong, and never a key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut keys: Vec<(String, SecretString)> = Vec::new();
        for (index, entry) in text.split_whitespace().enumerate() {
            let place = index + 1;
            let (tenant, key) = entry
                .split_once(':')
                .filter(|(tenant, key)| !tenant.is_empty() && !key.is_empty())
                .ok_or_else(|| format!("has an entry {place} that is not tenant:key"))?;
            if key.len() < MIN_ADMIN_KEY_BYTES {
                return Err(format!(
                    "has an entry {place} whose key is shorter than {MIN_ADMIN_KEY_BYTES} characters"
                ));
            }
            if keys.iter().any(|(_, known)| known.expose_secret() == key) {
                return Err(format!(
                    "has an entry {place} whose key is already used; every key needs one tenant"
                ));
            }
            keys.push((tenant.to_owned(), key.into()));
        }
        if keys.is_empty() {
            Err("has no entry; at least one tenant:key is needed".to_owned())
        } else {
            Ok(Self { keys: keys.into() })
        }
    }

    /// How many tenants have a key.
    #[must_use]
    pub fn tenants(&self) -> usize {
        self.keys.iter().map(|(tenant, _)| tenant).collect::<HashSet<_>>().len()
    }

    /// The tenant whose administrator is calling, by the bearer token.
    ///
    /// # Errors
    /// UNAUTHENTICATED with reason CREDENTIAL_MISSING or CREDENTIAL_INVALID.
    pub fn authenticate(&self, metadata: &MetadataMap) -> Result<String, Problem> {
        let given = bearer(metadata).ok_or_else(missing)?;
        Ok(self.tenant_of(given.as_bytes())?.to_owned())
    }

    /// The tenants whose keys the call shows: that of the bearer token first, then those of [`TENANT_KEY`], each once.
    ///
    /// # Errors
    /// As [`AdminKeys::authenticate`]; one key that is not known refuses the call.
    pub fn authenticate_all(&self, metadata: &MetadataMap) -> Result<Vec<String>, Problem> {
        let mut tenants = vec![self.authenticate(metadata)?];
        for given in metadata.get_all(TENANT_KEY) {
            let tenant = self.tenant_of(given.as_bytes())?;
            if !tenants.iter().any(|known| known == tenant) {
                tenants.push(tenant.to_owned());
            }
        }
        Ok(tenants)
    }

    fn tenant_of(&self, given: &[u8]) -> Result<&str, Problem> {
        // All keys are compared, so that the time does not tell which one was met.
        let mut found = 0u32;
        for (place, (_, key)) in (1u32..).zip(self.keys.iter()) {
            let same: Choice = given.ct_eq(key.expose_secret().as_bytes());
            found.conditional_assign(&place, same);
        }
        let place = usize::try_from(found).unwrap_or_default().checked_sub(1).ok_or_else(invalid)?;
        Ok(&self.keys[place].0)
    }
}

fn missing() -> Problem {
    Problem::new(
        Fault::Unauthenticated,
        "CREDENTIAL_MISSING",
        "this call needs a credential and carries none",
    )
}

fn invalid() -> Problem {
    Problem::new(Fault::Unauthenticated, "CREDENTIAL_INVALID", "the credential of this call is not known")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(key: &'static str, value: &str) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        metadata.insert(key, value.parse().unwrap());
        metadata
    }

    #[test]
    fn a_bearer_token_is_found_whatever_the_case_of_its_scheme() {
        assert_eq!(bearer(&with("authorization", "Bearer abc")), Some("abc"));
        assert_eq!(bearer(&with("authorization", "bearer  abc")), Some("abc"));
        for other in ["Basic abc", "Bearer", "Bearer ", "abc"] {
            assert_eq!(bearer(&with("authorization", other)), None, "{other}");
        }
    }

    #[test]
    fn an_attached_mesh_credential_passes_and_any_other_does_not() {
        let credential = MeshCredential::new("mesh-secret".to_owned());
        let mut metadata = MetadataMap::new();
        assert_eq!(credential.check(&metadata).unwrap_err().reason, "CREDENTIAL_MISSING");
        credential.attach(&mut metadata);
        assert!(credential.check(&metadata).is_ok());
        for wrong in ["mesh-secre", "mesh-secretx", "mesh-Secret", ""] {
            let problem = credential.check(&with(MESH_KEY, wrong)).unwrap_err();
            assert_eq!(problem.reason, "CREDENTIAL_INVALID", "{wrong}");
        }
    }

    #[test]
    fn an_admin_key_leads_to_its_tenant_only() {
        let [one, two, three] = ["one", "two", "three"].map(|name| format!("{name}-0123456789abcdef"));
        let keys = AdminKeys::parse(&format!("acme:{one} globex:{two} acme:{three}")).unwrap();
        for (key, tenant) in [(one, "acme"), (two, "globex"), (three, "acme")] {
            let metadata = with("authorization", &format!("Bearer {key}"));
            assert_eq!(keys.authenticate(&metadata).unwrap(), tenant);
        }
        let unknown = keys.authenticate(&with("authorization", "Bearer four")).unwrap_err();
        assert_eq!(unknown.reason, "CREDENTIAL_INVALID");
        assert_eq!(keys.authenticate(&MetadataMap::new()).unwrap_err().reason, "CREDENTIAL_MISSING");
    }

    #[test]
    fn further_keys_lead_to_further_tenants_and_an_unknown_one_to_none_at_all() {
        let [one, two, three] = ["one", "two", "three"].map(|name| format!("{name}-0123456789abcdef"));
        let keys = AdminKeys::parse(&format!("acme:{one} globex:{two} acme:{three}")).unwrap();
        let mut metadata = with("authorization", &format!("Bearer {two}"));
        assert_eq!(keys.authenticate_all(&metadata).unwrap(), ["globex"]);
        for key in [&one, &three, &two] {
            metadata.append(TENANT_KEY, key.parse().unwrap());
        }
        assert_eq!(keys.authenticate_all(&metadata).unwrap(), ["globex", "acme"]);
        metadata.append(TENANT_KEY, "four-0123456789abcdef".parse().unwrap());
        assert_eq!(keys.authenticate_all(&metadata).unwrap_err().reason, "CREDENTIAL_INVALID");
        let alone = with(TENANT_KEY, &one);
        assert_eq!(keys.authenticate_all(&alone).unwrap_err().reason, "CREDENTIAL_MISSING");
    }

    #[test]
    fn no_keys_let_nobody_in() {
        let nobody = AdminKeys::default().authenticate(&with("authorization", "Bearer x"));
        assert_eq!(nobody.unwrap_err().reason, "CREDENTIAL_INVALID");
    }

    #[test]
    fn an_unusable_list_of_keys_is_refused_by_place() {
        let key = "0123456789abcdef";
        for (text, place) in [
            ("acme".to_owned(), "entry 1"),
            (format!("acme:{key} :b"), "entry 2"),
            (format!("acme:{key} globex:{key}"), "entry 2"),
            (format!("acme:{key} globex:{}", &key[1..]), "entry 2 whose key is shorter than 16"),
            (" ".to_owned(), "no entry"),
        ] {
            let complaint = AdminKeys::parse(&text).unwrap_err();
            assert!(complaint.contains(place) && !complaint.contains(&key[1..]), "{text}: {complaint}");
        }
    }
}
