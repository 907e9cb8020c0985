//! The folder of secrets that stages of this machine read: `.tributary/secrets`, one file for each name.
//!
//! Write keys that nobody has yet are made here; what destinations want to be shown is for people to put here.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tributary_servers::random_secret;

use crate::mesh::{Mesh, SECRETS};

/// A folder of secrets that only its owner can look into.
pub(crate) struct SecretFolder(PathBuf);

impl SecretFolder {
    /// The folder of a mesh, made if need be.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn open(mesh: &Path) -> anyhow::Result<SecretFolder> {
        let path = mesh.join(SECRETS);
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(error).with_context(|| format!("cannot create {}", path.display()))
            }
            _ => Ok(SecretFolder(path)),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A secret; white space around it is not part of it.
    ///
    /// # Errors
    /// Its file is there and cannot be read.
    pub(crate) fn get(&self, name: &str) -> anyhow::Result<Option<String>> {
        let path = self.0.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Keeps a secret, readable by its owner only, in one step: a stage reads nothing or all of it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn put(&self, name: &str, value: &str) -> anyhow::Result<()> {
        let (path, fresh) = (self.0.join(name), self.0.join(format!(".{name}.new")));
        // A leftover could be readable by others: the mode is only given to a file that is created.
        let _ = fs::remove_file(&fresh);
        let written = || {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
            file.write_all(value.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, &path)
        };
        written().with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Makes the write keys of these names that neither clients nor stages of the mesh in `folder` have, tells both, and answers
/// which they are. Nothing happens where the mesh has no folder of secrets.
///
/// # Errors
/// A file cannot be read or written.
pub(crate) fn make_missing(
    folder: &Path,
    names: impl IntoIterator<Item = impl Into<String>>,
) -> anyhow::Result<Vec<String>> {
    if !folder.join(SECRETS).is_dir() {
        return Ok(Vec::new());
    }
    let secrets = SecretFolder::open(folder)?;
    let (path, mut told) = Mesh::told_clients(folder)?;
    let (mut made, mut news) = (Vec::new(), false);
    for name in names {
        let name = name.into();
        // Known from the environment of `up`, which the stages share.
        if told.get(&name).is_some() {
            continue;
        }
        let key = match secrets.get(&name)? {
            Some(key) => key,
            None => {
                let key = random_secret()?;
                secrets.put(&name, &key)?;
                made.push(name.clone());
                key
            }
        };
        told.set(name, key);
        news = true;
    }
    if news {
        told.write(&path)?;
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EnvFile;
    use std::os::unix::fs::PermissionsExt as _;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn only_the_owner_can_look_at_a_secret() {
        let mesh = tempfile::tempdir().unwrap();
        let secrets = SecretFolder::open(mesh.path()).unwrap();
        secrets.put("NAME", "value").unwrap();
        assert_eq!(secrets.get("NAME").unwrap().as_deref(), Some("value"));
        assert_eq!((mode(secrets.path()), mode(&secrets.path().join("NAME"))), (0o700, 0o600));
        assert_eq!(secrets.get("OTHER").unwrap(), None);
    }

    #[test]
    fn a_write_key_that_nobody_has_is_made_once_and_told_to_stages_and_clients() {
        let mesh = tempfile::tempdir().unwrap();
        let env = mesh.path().join("env");
        fs::write(&env, "GIVEN=from-the-environment\n").unwrap();
        assert!(make_missing(mesh.path(), ["NEW"]).unwrap().is_empty(), "not a mesh of this machine");

        let secrets = SecretFolder::open(mesh.path()).unwrap();
        assert_eq!(make_missing(mesh.path(), ["GIVEN", "NEW"]).unwrap(), ["NEW"]);
        assert_eq!(make_missing(mesh.path(), ["GIVEN", "NEW"]).unwrap(), [] as [&str; 0]);
        let key = secrets.get("NEW").unwrap().unwrap();
        assert!(key.len() > 40);
        assert_eq!(EnvFile::read(&env).unwrap().get("NEW"), Some(&*key));
        assert_eq!(secrets.get("GIVEN").unwrap(), None);
    }
}
