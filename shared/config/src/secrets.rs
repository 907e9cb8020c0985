//! Secrets: named in documents, read from the environment or a file when they are needed, never printed.

mod read;
mod reference;

use std::collections::BTreeMap;
use std::fmt;

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tributary_model::{SourceName, TenantId};

use crate::config::Config;

pub use reference::SecretRef;
pub(crate) use reference::SecretSpec;

/// A shorter write key can be guessed; the generated ones have 32 characters and more.
const MIN_WRITE_KEY_BYTES: usize = 16;

/// A secret that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set, or empty, and there is no file for it.
    #[error("{wanted_by}: environment variable {name} is not set, and no file {name} in TRIBUTARY_SECRETS")]
    MissingEnv {
        /// What needs it, like `Source website`.
        wanted_by: String,
        /// The variable.
        name: String,
    },
    /// The file cannot be read.
    #[error("{wanted_by}: file {path} cannot be read: {reason}")]
    UnreadableFile {
        /// What needs it.
        wanted_by: String,
        /// The file.
        path: String,
        /// The operating system's reason.
        reason: String,
    },
    /// A write key too short to be safe.
    #[error("{wanted_by}: the write key in {place} is shorter than {MIN_WRITE_KEY_BYTES} characters")]
    TooShort {
        /// What needs it.
        wanted_by: String,
        /// The variable or file.
        place: String,
    },
    /// A write key that another source has too, so a payload's source could not be told. Which one is not told: it may be
    /// another tenant's.
    #[error("{wanted_by}: the write key in {place} is the one of another source; every source needs its own")]
    Duplicate {
        /// What needs it.
        wanted_by: String,
        /// The variable or file.
        place: String,
    },
}

/// Every secret that cannot be used; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretErrors(pub Vec<SecretError>);

impl fmt::Display for SecretErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SecretErrors {}

/// Which source a write key belongs to. Holds digests, not keys: nothing of the kind can leak from here, and
/// looking a digest up takes the same time however much of a guess was right.
#[derive(Clone)]
pub struct WriteKeys(BTreeMap<[u8; 32], (TenantId, SourceName)>);

impl WriteKeys {
    /// The source whose key `bearer` is.
    #[must_use]
    pub fn find(&self, bearer: &str) -> Option<&(TenantId, SourceName)> {
        self.0.get(&digest(bearer))
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for WriteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.0.values().map(|(tenant, source)| (tenant.as_str(), source.as_str())))
            .finish()
    }
}

impl Config {
    /// Resolves the write keys of all sources from the process's environment and files. Those that are missing, too short or
    /// another source's too are left out: what is wrong with one is no reason to turn the others away. The second part says
    /// of each what is wrong, in a line that begins with its tenant.
    #[must_use]
    pub fn write_keys(&self) -> (WriteKeys, Vec<String>) {
        self.write_keys_from(&process_environment)
    }

    /// Like [`Config::write_keys`], with `environment` in place of the process's.
    pub fn write_keys_from(&self, environment: &dyn Fn(&str) -> Option<String>) -> (WriteKeys, Vec<String>) {
        let mut keys: BTreeMap<[u8; 32], (TenantId, SourceName)> = BTreeMap::new();
        let mut problems = Vec::new();
        // In the order of tenants and sources, so that every process leaves the same ones out.
        for (tenant, source, reference) in self.write_key_refs() {
            match usable(tenant, source, reference, environment, &keys) {
                Ok(digest) => {
                    keys.insert(digest, (tenant.clone(), source.clone()));
                }
                Err(error) => problems.push(format!("{tenant}: {error}")),
            }
        }
        (WriteKeys(keys), problems)
    }
}

/// The digest of a source's key, if it can be used beside the `others`.
fn usable(
    tenant: &TenantId,
    source: &SourceName,
    reference: &SecretRef,
    environment: &dyn Fn(&str) -> Option<String>,
    others: &BTreeMap<[u8; 32], (TenantId, SourceName)>,
) -> Result<[u8; 32], SecretError> {
    let wanted_by = format!("Source {source}");
    let key = reference.resolve(&wanted_by, environment)?;
    if key.expose_secret().len() < MIN_WRITE_KEY_BYTES {
        return Err(SecretError::TooShort { wanted_by, place: reference.place() });
    }
    let digest = digest(key.expose_secret());
    match others.get(&digest) {
        Some((other, name)) if (other, name) != (tenant, source) => {
            Err(SecretError::Duplicate { wanted_by, place: reference.place() })
        }
        _ => Ok(digest),
    }
}

pub(crate) fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}
