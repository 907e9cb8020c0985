//! Secrets: named in documents, read from the environment or a file when they are needed, never printed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tributary_model::{SourceName, TenantId};

use crate::config::Config;

/// A shorter write key can be guessed; the generated ones have 32 characters and more.
const MIN_WRITE_KEY_BYTES: usize = 16;

/// Names a directory of files, as mounted secrets are: what is not in the environment is looked for there.
const SECRETS_DIRECTORY: &str = "TRIBUTARY_SECRETS";

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// In an environment variable, or else in the file of that name in the directory `$TRIBUTARY_SECRETS`.
    Env(String),
    /// In a file, by its whole path; surrounding white space is not part of it.
    File(PathBuf),
}

/// A secret that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set, or empty, and there is no file for it.
    #[error(
        "{wanted_by}: environment variable {name} is not set, and $TRIBUTARY_SECRETS has no file of that name"
    )]
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
            SecretRef::Env(name) => {
                let set = |name: &str| environment(name).filter(|value| !value.is_empty());
                if let Some(value) = set(name) {
                    return Ok(SecretString::from(value));
                }
                let directory = set(SECRETS_DIRECTORY).map(PathBuf::from);
                let mounted = directory.map(|directory| directory.join(name)).filter(|path| path.exists());
                mounted.map_or_else(
                    || Err(SecretError::MissingEnv { wanted_by: wanted_by.into(), name: name.clone() }),
                    |path| read(&path, wanted_by),
                )
            }
            SecretRef::File(path) => read(path, wanted_by),
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
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretSpec {
    /// An environment variable; else a file of this name in the directory that `TRIBUTARY_SECRETS` names.
    #[serde(default)]
    pub(crate) env: Option<String>,
    /// The whole path of a file.
    #[serde(default)]
    pub(crate) file: Option<PathBuf>,
}

impl SecretSpec {
    /// The reference. A file's path says all of it: documents are applied from one machine and read on others, so there is
    /// no directory that it could be relative to.
    pub(crate) fn into_ref(self) -> Result<SecretRef, String> {
        match (self.env, self.file) {
            (Some(name), None) => {
                crate::names::check_env_name(&name)?;
                Ok(SecretRef::Env(name))
            }
            (None, Some(path)) if path.is_absolute() => Ok(SecretRef::File(path)),
            (None, Some(path)) => Err(format!(
                "{} is a relative path; write the whole path that the file has where the stages run, beginning with /",
                path.display()
            )),
            _ => Err("a secret is either env: NAME or file: PATH".into()),
        }
    }
}

fn read(path: &Path, wanted_by: &str) -> Result<SecretString, SecretError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(SecretString::from(text.trim())),
        Err(error) => Err(SecretError::UnreadableFile {
            wanted_by: wanted_by.into(),
            path: path.display().to_string(),
            reason: error.to_string(),
        }),
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
