//! The secrets of this installation: made at random when first needed, kept in a file that only its owner can read.
//!
//! A variable of the environment wins over the file, so that secrets can come from elsewhere.

use std::{env, path::Path};
use tributary_servers::random_secret;

use super::folder::Folder;
use crate::EnvFile;

/// The tenant that the admin key made here belongs to.
pub(super) const TENANT: &str = "demo";

const MESH_CREDENTIAL: &str = "TRIBUTARY_MESH_CREDENTIAL";
const ID_KEY: &str = "TRIBUTARY_ID_KEY";
const ADMIN_KEY: &str = "TRIBUTARY_ADMIN_KEY";

/// All secrets, and which of them the configuration refers to.
pub(super) struct Secrets {
    values: EnvFile,
    referred: Vec<String>,
}

impl Secrets {
    /// Reads them, and makes those that are missing.
    pub(super) fn load(folder: &Folder, config: &Path) -> anyhow::Result<Secrets> {
        Secrets::complete(&folder.secrets_file(), tributary_config::required_env(config)?)
    }

    fn complete(path: &Path, referred: Vec<String>) -> anyhow::Result<Secrets> {
        let mut kept = EnvFile::read(path)?;
        let mut values = EnvFile::default();
        for name in
            [MESH_CREDENTIAL, ID_KEY, ADMIN_KEY].into_iter().chain(referred.iter().map(String::as_str))
        {
            let value = match (env::var(name), kept.get(name)) {
                (Ok(given), _) => given,
                (Err(_), Some(known)) => known.to_owned(),
                (Err(_), None) => {
                    let made = random_secret()?;
                    kept.set(name, &*made);
                    made
                }
            };
            values.set(name, value);
        }
        kept.write(path)?;
        Ok(Secrets { values, referred })
    }

    /// What the stages have to be told.
    pub(super) fn for_stages(&self) -> Vec<(String, String)> {
        let mut variables: Vec<_> = self
            .values
            .iter()
            .filter(|(name, _)| *name != ADMIN_KEY)
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        // Admin keys from outside replace the one made here: they may be for other tenants.
        if env::var_os("TRIBUTARY_ADMIN_KEYS").is_none() {
            let key = self.values.get(ADMIN_KEY).unwrap_or_default();
            variables.push(("TRIBUTARY_ADMIN_KEYS".into(), format!("{TENANT}:{key}")));
        }
        variables
    }

    /// What a client on this machine may know: the admin key and the write keys, not what the mesh keeps to itself.
    pub(super) fn for_clients(&self) -> EnvFile {
        let mut file = EnvFile::default();
        for name in self.referred.iter().map(String::as_str).chain([ADMIN_KEY]) {
            file.set(name, self.values.get(name).unwrap_or_default());
        }
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_made_once_and_a_new_reference_gets_one_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.env");
        let first = Secrets::complete(&path, vec!["SHOP_WRITE_KEY".into()]).unwrap();
        let second = Secrets::complete(&path, vec!["SHOP_WRITE_KEY".into(), "APP_WRITE_KEY".into()]).unwrap();
        for name in [MESH_CREDENTIAL, ID_KEY, ADMIN_KEY, "SHOP_WRITE_KEY"] {
            assert_eq!(first.values.get(name), second.values.get(name), "{name}");
        }
        assert!(second.values.get("APP_WRITE_KEY").is_some_and(|key| key.len() > 40));
    }

    #[test]
    fn clients_are_not_told_what_the_mesh_keeps_to_itself() {
        let folder = tempfile::tempdir().unwrap();
        let secrets =
            Secrets::complete(&folder.path().join("secrets.env"), vec!["SHOP_WRITE_KEY".into()]).unwrap();
        let told = secrets.for_clients();
        assert!(told.get(ADMIN_KEY).is_some() && told.get("SHOP_WRITE_KEY").is_some());
        assert!(told.get(MESH_CREDENTIAL).is_none() && told.get(ID_KEY).is_none());
    }
}
