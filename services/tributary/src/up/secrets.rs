//! The secrets of this installation: made at random when first needed, kept where only their owner can read.
//!
//! `.tributary/secrets.env` has what the mesh keeps to itself and the admin keys; `.tributary/secrets` has a file for each
//! secret that documents name, which running stages look at whenever the configuration changes. A variable of the
//! environment wins over both, so that secrets can come from elsewhere. What destinations want to be shown is never made
//! up: it is the destinations' to give out.

use std::{collections::BTreeSet, path::Path};

use tributary_config::Config;
use tributary_servers::random_secret;

use super::{admin_keys::AdminKeys, folder::Folder, standing::Standing};
use crate::{EnvFile, environment::given, write_keys::SecretFolder};

const MESH_CREDENTIAL: &str = "TRIBUTARY_MESH_CREDENTIAL";
const ID_KEY: &str = "TRIBUTARY_ID_KEY";
/// Tells stages where the files are.
const SECRETS: &str = "TRIBUTARY_SECRETS";

/// Answers by variable name.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// All secrets that are known here.
pub(super) struct Secrets {
    /// What the mesh keeps to itself.
    own: EnvFile,
    write_keys: EnvFile,
    files: SecretFolder,
    pub(super) admin_keys: AdminKeys,
}

impl Secrets {
    /// Reads them, and makes those that are missing.
    ///
    /// # Errors
    /// A file cannot be used; or this is the first configuration, and what destinations want to be shown is missing: all of it
    /// is named. Later ones begin without, and say so.
    pub(super) fn load(folder: &Folder, standing: &Standing) -> anyhow::Result<Secrets> {
        let files = SecretFolder::open(folder.root())?;
        if let Err(missing) = headers(&standing.config, &files, &given) {
            anyhow::ensure!(standing.revision.is_some(), missing);
            println!("{missing}");
        }
        let (config, tenants) = (&standing.config, &standing.tenants);
        Secrets::complete(&folder.secrets_file(), files, config, tenants, &given)
    }

    fn complete(
        path: &Path,
        files: SecretFolder,
        config: &Config,
        tenants: &BTreeSet<String>,
        environment: Environment<'_>,
    ) -> anyhow::Result<Secrets> {
        let known = EnvFile::read(path)?;
        let mut kept = known.clone();
        let mut write_keys = EnvFile::default();
        for name in config.write_key_env() {
            let key = match environment(&name) {
                Some(key) => key,
                None => file_or_make(&name, &files, &mut kept)?,
            };
            write_keys.set(name, key);
        }
        let mut find = |name: &str| find_or_make(name, &mut kept, environment);
        let mut own = EnvFile::default();
        for name in [MESH_CREDENTIAL, ID_KEY] {
            own.set(name, find(name)?);
        }
        let admin_keys = AdminKeys::complete(tenants, environment, &mut find)?;
        if kept != known {
            kept.write(path)?;
        }
        Ok(Secrets { own, write_keys, files, admin_keys })
    }

    /// What the stages have to be told. What came from the environment they have already.
    pub(super) fn for_stages(&self) -> Vec<(String, String)> {
        let own = self.own.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let files = (SECRETS.to_owned(), self.files.path().display().to_string());
        own.chain([self.admin_keys.for_stages(), files]).collect()
    }

    /// What a client on this machine may know: admin keys and write keys, not what the mesh keeps to itself.
    pub(super) fn for_clients(&self) -> EnvFile {
        let mut file = self.write_keys.clone();
        self.admin_keys.tell_clients(&mut file);
        file
    }
}

/// What destinations want to be shown, before anything is started.
///
/// # Errors
/// Some of it is missing: a secret that was made up would only be noticed at the first delivery, by the destination's
/// refusal.
pub(super) fn check_headers(config: &Config, folder: &Folder) -> anyhow::Result<()> {
    headers(config, &SecretFolder::open(folder.root())?, &given).map_err(anyhow::Error::msg)
}

fn headers(config: &Config, files: &SecretFolder, environment: Environment<'_>) -> Result<(), String> {
    let own_files = |name: &str| match name {
        SECRETS => Some(files.path().display().to_string()),
        name => environment(name),
    };
    let destinations = config.tenants.values().flat_map(|tenant| &tenant.destinations);
    let missing: Vec<String> = destinations
        .filter_map(|destination| destination.headers_from(&own_files).err())
        .map(|missing| missing.to_string())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let files = files.path().display();
    Err(format!("{}\nset it, or write it into a file of that name in {files}", missing.join("\n")))
}

/// From its file; one that older versions kept with the others moves there.
fn file_or_make(name: &str, files: &SecretFolder, kept: &mut EnvFile) -> anyhow::Result<String> {
    if let Some(key) = files.get(name)? {
        return Ok(key);
    }
    let key = kept.remove(name).map_or_else(random_secret, Ok)?;
    files.put(name, &key)?;
    Ok(key)
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
    use std::{fs, os::unix::fs::MetadataExt as _, path::PathBuf};
    use tempfile::TempDir;

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

    struct Place(TempDir);

    impl Place {
        fn new() -> Place {
            Place(tempfile::tempdir().unwrap())
        }

        fn kept(&self) -> PathBuf {
            self.0.path().join("secrets.env")
        }

        fn files(&self) -> SecretFolder {
            SecretFolder::open(self.0.path()).unwrap()
        }

        fn complete(&self, documents: &[&str], environment: Environment<'_>) -> Secrets {
            let tenants = BTreeSet::from(["default".to_owned()]);
            Secrets::complete(&self.kept(), self.files(), &config(documents), &tenants, environment).unwrap()
        }
    }

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn secrets_are_made_once_and_a_new_reference_gets_one_too() {
        let place = Place::new();
        let first = place.complete(&[SHOP], &nothing);
        let second = place.complete(&[SHOP, APP], &nothing);
        for name in [MESH_CREDENTIAL, ID_KEY] {
            assert!(first.own.get(name).is_some());
            assert_eq!(first.own.get(name), second.own.get(name), "{name}");
        }
        assert_eq!(first.write_keys.get("SHOP_WRITE_KEY"), second.write_keys.get("SHOP_WRITE_KEY"));
        assert_eq!(first.admin_keys.for_stages(), second.admin_keys.for_stages());
        let key = second.write_keys.get("APP_WRITE_KEY").unwrap();
        assert!(key.len() > 40);
        assert_eq!(place.files().get("APP_WRITE_KEY").unwrap().as_deref(), Some(key));
    }

    #[test]
    fn a_write_key_that_was_kept_with_the_others_moves_to_its_file() {
        let place = Place::new();
        fs::write(place.kept(), "SHOP_WRITE_KEY=kept-for-long\nOTHER=x\n").unwrap();
        let secrets = place.complete(&[SHOP], &nothing);
        assert_eq!(secrets.write_keys.get("SHOP_WRITE_KEY"), Some("kept-for-long"));
        assert_eq!(place.files().get("SHOP_WRITE_KEY").unwrap().as_deref(), Some("kept-for-long"));
        let kept = EnvFile::read(&place.kept()).unwrap();
        assert_eq!((kept.get("SHOP_WRITE_KEY"), kept.get("OTHER")), (None, Some("x")));
    }

    #[test]
    fn a_write_key_of_the_environment_is_told_to_clients_and_kept_nowhere() {
        let place = Place::new();
        let one = |name: &str| (name == "SHOP_WRITE_KEY").then(|| "from-outside".to_owned());
        let secrets = place.complete(&[SHOP], &one);
        assert_eq!(secrets.for_clients().get("SHOP_WRITE_KEY"), Some("from-outside"));
        assert_eq!(place.files().get("SHOP_WRITE_KEY").unwrap(), None);
        assert!(!fs::read_to_string(place.kept()).unwrap().contains("from-outside"));
    }

    #[test]
    fn the_file_is_left_alone_when_nothing_is_new() {
        let place = Place::new();
        let written = || {
            place.complete(&[SHOP], &nothing);
            fs::metadata(place.kept()).unwrap().ino()
        };
        assert_eq!(written(), written(), "a file that is written is a new one");
    }

    #[test]
    fn clients_are_not_told_what_the_mesh_keeps_to_itself() {
        let place = Place::new();
        let told = place.complete(&[SHOP], &nothing).for_clients();
        assert!(told.get("TRIBUTARY_ADMIN_KEY").is_some() && told.get("SHOP_WRITE_KEY").is_some());
        assert!(told.get(MESH_CREDENTIAL).is_none() && told.get(ID_KEY).is_none());
    }

    #[test]
    fn what_destinations_want_is_never_made_up_and_all_that_is_missing_is_named() {
        let place = Place::new();
        let config = config(&[SHOP, CRM]);
        let one = |name: &str| (name == "CRM_ACCOUNT").then(|| "7".to_owned());
        let said = headers(&config, &place.files(), &one).unwrap_err();
        assert!(said.contains("CRM_TOKEN") && said.contains("MAIL_TOKEN"), "{said}");
        assert!(!said.contains("CRM_ACCOUNT"), "{said}");
        assert!(said.contains(&place.files().path().display().to_string()), "{said}");

        place.files().put("CRM_TOKEN", "7").unwrap();
        place.files().put("MAIL_TOKEN", "7").unwrap();
        assert_eq!(headers(&config, &place.files(), &one), Ok(()));
        let told = place.complete(&[SHOP, CRM], &one).for_clients();
        assert!(told.iter().all(|(name, value)| value != "7" && !name.contains("TOKEN")), "{told:?}");
        assert!(!fs::read_to_string(place.kept()).unwrap().contains("TOKEN"));
    }
}
