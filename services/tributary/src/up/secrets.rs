//! The secrets of this installation: made at random when first needed, kept in a file that only its owner can read.
//!
//! A variable of the environment wins over the file, so that secrets can come from elsewhere. What destinations want to
//! be shown comes from there only: it is the destinations' to give out.

use std::path::Path;
use tributary_config::Config;
use tributary_servers::random_secret;

use super::{admin_keys::AdminKeys, folder::Folder};
use crate::{EnvFile, environment::given};

const MESH_CREDENTIAL: &str = "TRIBUTARY_MESH_CREDENTIAL";
const ID_KEY: &str = "TRIBUTARY_ID_KEY";

/// Answers by variable name.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// All secrets that are known here.
pub(super) struct Secrets {
    /// What the mesh keeps to itself.
    own: EnvFile,
    write_keys: EnvFile,
    pub(super) admin_keys: AdminKeys,
}

impl Secrets {
    /// Reads them, and makes those that are missing.
    ///
    /// # Errors
    /// The file cannot be used, or the environment lacks what destinations want to be shown: all of it is named.
    pub(super) fn load(folder: &Folder, config: &Config) -> anyhow::Result<Secrets> {
        Secrets::complete(&folder.secrets_file(), config, &given)
    }

    fn complete(path: &Path, config: &Config, environment: Environment<'_>) -> anyhow::Result<Secrets> {
        check_headers(config, environment)?;
        let known = EnvFile::read(path)?;
        let mut kept = known.clone();
        let mut find = |name: &str| find_or_make(name, &mut kept, environment);
        let own = all([MESH_CREDENTIAL, ID_KEY], &mut find)?;
        let write_keys = all(config.write_key_env(), &mut find)?;
        let admin_keys = AdminKeys::complete(config, environment, &mut find)?;
        if kept != known {
            kept.write(path)?;
        }
        Ok(Secrets { own, write_keys, admin_keys })
    }

    /// What the stages have to be told. What destinations want to be shown is in the environment already.
    pub(super) fn for_stages(&self) -> Vec<(String, String)> {
        let told = self.own.iter().chain(self.write_keys.iter());
        let mut variables: Vec<_> = told.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        variables.push(self.admin_keys.for_stages());
        variables
    }

    /// What a client on this machine may know: admin keys and write keys, not what the mesh keeps to itself.
    pub(super) fn for_clients(&self) -> EnvFile {
        let mut file = self.write_keys.clone();
        self.admin_keys.tell_clients(&mut file);
        file
    }
}

/// A secret that was made up would only be noticed at the first delivery, by the destination's refusal.
fn check_headers(config: &Config, environment: Environment<'_>) -> anyhow::Result<()> {
    let destinations = config.tenants.values().flat_map(|tenant| &tenant.destinations);
    let missing: Vec<String> = destinations
        .filter_map(|destination| destination.headers_from(environment).err())
        .map(|missing| missing.to_string())
        .collect();
    anyhow::ensure!(missing.is_empty(), "{}", missing.join("\n"));
    Ok(())
}

fn all<N: Into<String>>(
    names: impl IntoIterator<Item = N>,
    find: &mut dyn FnMut(&str) -> anyhow::Result<String>,
) -> anyhow::Result<EnvFile> {
    let mut found = EnvFile::default();
    for name in names {
        let name = name.into();
        let value = find(&name)?;
        found.set(name, value);
    }
    Ok(found)
}

fn find_or_make(name: &str, kept: &mut EnvFile, environment: Environment<'_>) -> anyhow::Result<String> {
    if let Some(known) = environment(name).or_else(|| kept.get(name).map(str::to_owned)) {
        return Ok(known);
    }
    let made = random_secret()?;
    kept.set(name, &*made);
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::MetadataExt as _};

    const SHOP: &str = "kind: Source\nname: shop\nspec:\n  write_keys: [{env: SHOP_WRITE_KEY}]\n";
    const APP: &str = "---\nkind: Source\nname: app\nspec:\n  write_keys: [{env: APP_WRITE_KEY}]\n";
    const CRM: &str = "---\nkind: Destination\nname: crm\nspec:\n  webhook:\n    url: http://127.0.0.1:1/\n    \
                       headers: {x: {env: CRM_TOKEN}, y: {env: CRM_ACCOUNT}}\n---\n\
                       kind: Destination\nname: mail\nspec:\n  webhook:\n    url: http://127.0.0.1:1/\n    \
                       headers: {x: {env: MAIL_TOKEN}}\n";

    fn config(documents: &[&str]) -> Config {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("all.yaml"), documents.concat()).unwrap();
        Config::load(folder.path()).unwrap()
    }

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn secrets_are_made_once_and_a_new_reference_gets_one_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.env");
        let first = Secrets::complete(&path, &config(&[SHOP]), &nothing).unwrap();
        let second = Secrets::complete(&path, &config(&[SHOP, APP]), &nothing).unwrap();
        for name in [MESH_CREDENTIAL, ID_KEY] {
            assert!(first.own.get(name).is_some());
            assert_eq!(first.own.get(name), second.own.get(name), "{name}");
        }
        assert_eq!(first.write_keys.get("SHOP_WRITE_KEY"), second.write_keys.get("SHOP_WRITE_KEY"));
        assert_eq!(first.admin_keys.for_stages(), second.admin_keys.for_stages());
        assert!(second.write_keys.get("APP_WRITE_KEY").is_some_and(|key| key.len() > 40));
    }

    #[test]
    fn the_file_is_left_alone_when_nothing_is_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.env");
        let written = || {
            Secrets::complete(&path, &config(&[SHOP]), &nothing).unwrap();
            fs::metadata(&path).unwrap().ino()
        };
        assert_eq!(written(), written(), "a file that is written is a new one");
    }

    #[test]
    fn clients_are_not_told_what_the_mesh_keeps_to_itself() {
        let folder = tempfile::tempdir().unwrap();
        let secrets =
            Secrets::complete(&folder.path().join("secrets.env"), &config(&[SHOP]), &nothing).unwrap();
        let told = secrets.for_clients();
        assert!(told.get("TRIBUTARY_ADMIN_KEY").is_some() && told.get("SHOP_WRITE_KEY").is_some());
        assert!(told.get(MESH_CREDENTIAL).is_none() && told.get(ID_KEY).is_none());
    }

    #[test]
    fn what_destinations_want_is_never_made_up_and_all_that_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.env");
        let config = config(&[SHOP, CRM]);
        let one = |name: &str| (name == "CRM_ACCOUNT").then(|| "7".to_owned());
        let said = Secrets::complete(&path, &config, &one).err().unwrap().to_string();
        assert!(said.contains("CRM_TOKEN") && said.contains("MAIL_TOKEN"), "{said}");
        assert!(!said.contains("CRM_ACCOUNT") && !path.exists(), "{said}");

        let each =
            |name: &str| ["CRM_ACCOUNT", "CRM_TOKEN", "MAIL_TOKEN"].contains(&name).then(|| "7".to_owned());
        let secrets = Secrets::complete(&path, &config, &each).unwrap();
        let told = secrets.for_clients();
        assert!(told.iter().all(|(name, value)| value != "7" && !name.contains("TOKEN")), "{told:?}");
        assert!(!fs::read_to_string(&path).unwrap().contains("TOKEN"));
    }
}
