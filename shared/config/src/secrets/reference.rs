//! Where a secret is: what a document may say of it, and when two documents mean the same one.

use std::path::{Component, Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

/// The only place outside `$TRIBUTARY_SECRETS` that files are read from: where containers have their secrets.
pub(super) const MOUNTED: &str = "/run/secrets";

/// Names that belong to the mesh, its servers, or the system: whoever may apply a document decides where a header goes, and
/// must not be able to send these anywhere. The write keys that the mesh makes for documents are theirs.
const RESERVED_BEGINNINGS: [&str; 3] = ["TRIBUTARY_", "PG", "OTEL_"];
const NOT_RESERVED: &str = "TRIBUTARY_WRITE_KEY_";
const RESERVED: [&str; 4] = ["REDIS_URL", "DATABASE_URL", "PATH", "HOME"];

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// In an environment variable, or else in the file of that name in the directory `$TRIBUTARY_SECRETS`.
    Env(String),
    /// In a file below the directory `$TRIBUTARY_SECRETS`, by its path from there, or below `/run/secrets`, by its whole
    /// path. Surrounding white space is not part of the secret.
    File(PathBuf),
}

impl SecretRef {
    /// Equal for references that may mean the same secret, however they are written: `{env: N}`, `{file: N}` and
    /// `{file: /run/secrets/N}` are one, since `$TRIBUTARY_SECRETS` may be `/run/secrets`.
    #[must_use]
    pub fn identity(&self) -> String {
        match self {
            SecretRef::Env(name) => name.clone(),
            SecretRef::File(path) => path.strip_prefix(MOUNTED).unwrap_or(path).display().to_string(),
        }
    }

    /// As it is called in messages.
    pub(super) fn place(&self) -> String {
        match self {
            SecretRef::Env(name) => name.clone(),
            SecretRef::File(path) => path.display().to_string(),
        }
    }

    /// The reference to an environment variable.
    ///
    /// # Errors
    /// In words: it is no name, or one that is not a document's to read.
    pub(crate) fn env(name: String) -> Result<SecretRef, String> {
        crate::names::check_env_name(&name)?;
        let is_reserved = RESERVED.contains(&name.as_str())
            || RESERVED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning));
        if is_reserved && !name.starts_with(NOT_RESERVED) {
            return Err(format!("{name} is not for documents: give the secret a name of its own"));
        }
        Ok(SecretRef::Env(name))
    }

    /// The reference to a file.
    fn file(path: &Path) -> Result<SecretRef, String> {
        // Taken apart and put together: a doubled or a last slash makes no other file.
        let normal: PathBuf = path.components().collect();
        let hidden = |part: Component<'_>| match part {
            // Where secrets are mounted, hidden names are other ways to the same files.
            Component::Normal(name) => name.as_encoded_bytes().starts_with(b"."),
            Component::RootDir => false,
            _ => true,
        };
        if normal.components().any(hidden) || normal.file_name().is_none() {
            // The path is not repeated: where one was meant, somebody may have pasted the secret itself.
            return Err("this file cannot be a secret: no part of its path begins with a dot".to_owned());
        }
        if normal.is_absolute() && (!normal.starts_with(MOUNTED) || normal == Path::new(MOUNTED)) {
            return Err(format!(
                "this file is not below {MOUNTED}; write a path below {MOUNTED}, or one that begins in the directory \
                 that TRIBUTARY_SECRETS names where the stages run"
            ));
        }
        Ok(SecretRef::File(normal))
    }
}

/// A secret's place as it is written: `{env: NAME}` or `{file: PATH}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Secret", extend("minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct SecretSpec {
    /// An environment variable; else a file of this name in the directory that `TRIBUTARY_SECRETS` names.
    #[serde(default)]
    pub(crate) env: Option<String>,
    /// A file: its path in the directory that `TRIBUTARY_SECRETS` names, or its whole path below /run/secrets.
    #[serde(default)]
    pub(crate) file: Option<PathBuf>,
}

impl SecretSpec {
    /// The reference.
    ///
    /// # Errors
    /// In words: it names both or nothing, or something that is not a document's to read.
    pub(crate) fn into_ref(self) -> Result<SecretRef, String> {
        match (self.env, self.file) {
            (Some(name), None) => SecretRef::env(name),
            (None, Some(path)) => SecretRef::file(&path),
            _ => Err("a secret is either env: NAME or file: PATH".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Result<String, String> {
        SecretRef::file(Path::new(path)).map(|reference| reference.identity())
    }

    #[test]
    fn one_secret_has_one_identity_however_it_is_written() {
        let one = SecretRef::env("KEY".to_owned()).unwrap().identity();
        for same in ["KEY", "KEY/", "/run/secrets/KEY", "/run//secrets/./KEY"] {
            assert_eq!(file(same).as_deref(), Ok(one.as_str()), "{same}");
        }
        assert_eq!(file("app//key"), file("/run/secrets/app/key"));
        assert_ne!(file("app/key"), file("key"));
    }

    #[test]
    fn files_are_read_from_two_places_only() {
        for outside in ["/etc/passwd", "/proc/self/environ", "/run/secrets", "/run/secretsx/a", "/"] {
            assert!(
                file(outside).unwrap_err().contains(if outside == "/" { "dot" } else { "not below" }),
                "{outside}"
            );
        }
        for around in ["../key", "a/../key", "/run/secrets/../x", "..data/key", ".hidden", "./key", ""] {
            assert!(file(around).is_err(), "{around}");
        }
    }

    #[test]
    fn what_belongs_to_the_mesh_or_the_system_is_not_for_documents() {
        let of_others = [
            "TRIBUTARY_ID_KEY",
            "TRIBUTARY_SECRETS",
            "PGPASSWORD",
            "OTEL_EXPORTER_OTLP_HEADERS",
            "REDIS_URL",
            "DATABASE_URL",
            "PATH",
            "HOME",
        ];
        for name in of_others {
            assert!(SecretRef::env(name.to_owned()).unwrap_err().contains("not for documents"), "{name}");
        }
        for name in ["TRIBUTARY_WRITE_KEY_WEB", "SHOP_KEY", "PATHS", "HOMEPAGE_KEY"] {
            assert!(SecretRef::env(name.to_owned()).is_ok(), "{name}");
        }
    }
}
