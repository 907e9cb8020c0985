//! Secrets: named in documents, read from the environment or a file when they are needed, never printed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tributary_model::{SourceName, TenantId};

use crate::config::Config;

/// A shorter write key can be guessed; the generated ones have 32 characters and more.
const MIN_WRITE_KEY_BYTES: usize = 16;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// In an environment variable.
    Env(String),
    /// In a file; surrounding white space is not part of it.
    File(PathBuf),
}

/// A secret that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set, or empty.
    #[error("{wanted_by}: environment variable {name} is not set")]
    MissingEnv {
        /// What needs it, like `Source website of tenant demo`.
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
    /// Two sources have the same write key, so a payload's source could not be told.
    #[error("{first} and {second} have the same write key")]
    Duplicate {
        /// One of them.
        first: String,
        /// The other.
        second: String,
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
    /// Resolves the write keys of all sources from the process's environment and files.
    ///
    /// # Errors
    /// Every key that is missing, too short or used twice.
    pub fn write_keys(&self) -> Result<WriteKeys, SecretErrors> {
        self.write_keys_from(&process_environment)
    }

    /// Like [`Config::write_keys`], with `environment` in place of the process's.
    ///
    /// # Errors
    /// Every key that is missing, too short or used twice.
    pub fn write_keys_from(
        &self,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<WriteKeys, SecretErrors> {
        let mut keys: BTreeMap<[u8; 32], (TenantId, SourceName)> = BTreeMap::new();
        let mut errors = Vec::new();
        for (tenant, source, reference) in self.write_key_refs() {
            let wanted_by = owner(tenant, source);
            let key = match reference.resolve(&wanted_by, environment) {
                Ok(key) => key,
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            };
            if key.expose_secret().len() < MIN_WRITE_KEY_BYTES {
                errors.push(SecretError::TooShort { wanted_by, place: reference.place() });
                continue;
            }
            let entry = (tenant.clone(), source.clone());
            if let Some((tenant, source)) = keys.insert(digest(key.expose_secret()), entry) {
                errors.push(SecretError::Duplicate { first: owner(&tenant, &source), second: wanted_by });
            }
        }
        if errors.is_empty() { Ok(WriteKeys(keys)) } else { Err(SecretErrors(errors)) }
    }
}

impl SecretRef {
    pub(crate) fn resolve(
        &self,
        wanted_by: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<SecretString, SecretError> {
        match self {
            SecretRef::Env(name) => match environment(name) {
                Some(value) if !value.is_empty() => Ok(SecretString::from(value)),
                _ => Err(SecretError::MissingEnv { wanted_by: wanted_by.into(), name: name.clone() }),
            },
            SecretRef::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(SecretString::from(text.trim())),
                Err(error) => Err(SecretError::UnreadableFile {
                    wanted_by: wanted_by.into(),
                    path: path.display().to_string(),
                    reason: error.to_string(),
                }),
            },
        }
    }

    fn place(&self) -> String {
        match self {
            SecretRef::Env(name) => name.clone(),
            SecretRef::File(path) => path.display().to_string(),
        }
    }
}

/// A secret's place as it is written: `{env: NAME}` or `{file: PATH}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretSpec {
    #[serde(default)]
    pub(crate) env: Option<String>,
    #[serde(default)]
    pub(crate) file: Option<PathBuf>,
}

impl SecretSpec {
    /// `dir` is what a relative file is relative to.
    pub(crate) fn into_ref(self, dir: &std::path::Path) -> Result<SecretRef, String> {
        match (self.env, self.file) {
            (Some(name), None) => {
                crate::names::check_env_name(&name)?;
                Ok(SecretRef::Env(name))
            }
            (None, Some(path)) => Ok(SecretRef::File(dir.join(path))),
            _ => Err("a secret is either env: NAME or file: PATH".into()),
        }
    }
}

pub(crate) fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn owner(tenant: &TenantId, source: &SourceName) -> String {
    format!("Source {source} of tenant {tenant}")
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}
