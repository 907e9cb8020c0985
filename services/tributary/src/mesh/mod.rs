//! Where the mesh is and what it is shown: flags, else the environment, else what `up` wrote to `.tributary/env`.
//!
//! That file is looked for in the current folder and in those above it, as git looks for its own.

mod channel;
mod keys;
mod place;

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tributary_proto::v1::{
    config_service_client::ConfigServiceClient, profile_service_client::ProfileServiceClient,
    workflow_service_client::WorkflowServiceClient,
};

use self::channel::{authorized, channel};
use crate::{EnvFile, cli::Globals, environment::filled};

pub(crate) use channel::{Authorized, bearer, connect, no_answer, root};
pub(crate) use keys::{admin_key_variable, write_key_variable};
pub(crate) use place::Place;

/// The folder in which `up` keeps everything.
pub(crate) const FOLDER: &str = ".tributary";
/// Where in it `up` says what it started.
const ENV_FILE: &str = "env";
/// Where in it the secrets lie that stages read.
pub(crate) const SECRETS: &str = "secrets";

/// Where the collector serves reads and configuration.
pub(crate) const PROFILES_URL: &str = "TRIBUTARY_PROFILES_URL";
/// Where ingest is.
pub(crate) const INGEST_URL: &str = "TRIBUTARY_INGEST_URL";
/// Where workflows are run.
pub(crate) const WORKFLOW_URL: &str = "TRIBUTARY_WORKFLOW_URL";

/// What is known of a mesh before it is called.
#[derive(Default)]
pub(crate) struct Mesh {
    environment: BTreeMap<String, String>,
    file: EnvFile,
    /// The folder that the file lies in, if there is one.
    folder: Option<PathBuf>,
    /// As chosen by `--tenant`.
    tenant: Option<String>,
}

impl Mesh {
    /// Looks around.
    ///
    /// # Errors
    /// `.tributary/env` is there and cannot be read.
    pub(crate) fn find(globals: &Globals) -> anyhow::Result<Mesh> {
        let here = env::current_dir().context("the current folder is gone")?;
        // Names and values that are not text are nothing of ours.
        let texts = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, filled(value.into_string().ok())?)));
        Mesh::from(&here, texts.collect(), globals.tenant.clone())
    }

    fn from(
        here: &Path,
        environment: BTreeMap<String, String>,
        tenant: Option<String>,
    ) -> anyhow::Result<Mesh> {
        let folder =
            here.ancestors().map(|above| above.join(FOLDER)).find(|folder| folder.join(ENV_FILE).is_file());
        let file = folder.as_ref().map(|folder| EnvFile::read(&folder.join(ENV_FILE))).transpose()?;
        Ok(Mesh { environment, file: file.unwrap_or_default(), folder, tenant: filled(tenant) })
    }

    /// Looks a value up under `name`, `given` first.
    ///
    /// # Errors
    /// It is nowhere; says where it was looked for and what to do.
    pub(crate) fn look_up(&self, given: Option<&str>, name: &str, what: &str) -> anyhow::Result<String> {
        let found = filled(given.map(str::to_owned)).or_else(|| self.value(name).map(str::to_owned));
        found.with_context(|| {
            let file = match &self.folder {
                Some(folder) => format!("{} has no {name}", folder.join(ENV_FILE).display()),
                None => format!("no {FOLDER}/{ENV_FILE} here or above: no mesh is up in this folder"),
            };
            format!("{what} is not known ({file}): start a mesh here with deploy/up, or set {name}")
        })
    }

    /// A value from the environment, else from the file.
    fn value(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).or_else(|| self.file.get(name))
    }

    /// Reads, as one tenant.
    pub(crate) fn profiles(
        &self,
        url: Option<&str>,
    ) -> anyhow::Result<(Place, ProfileServiceClient<Authorized>)> {
        let url = self.look_up(url, PROFILES_URL, "the address of the mesh")?;
        let (place, authorized) = self.call_at(url, &[self.admin_key()?])?;
        Ok((place, ProfileServiceClient::new(authorized)))
    }

    /// Configuration, with these admin keys.
    pub(crate) fn configuration(
        &self,
        url: Option<&str>,
        keys: &[String],
    ) -> anyhow::Result<(Place, ConfigServiceClient<Authorized>)> {
        let url = self.look_up(url, PROFILES_URL, "the address of the mesh")?;
        let (place, authorized) = self.call_at(url, keys)?;
        // A configuration may have 1 MiB of documents, and a plan shows what was and what will be.
        Ok((place, ConfigServiceClient::new(authorized).max_decoding_message_size(16 << 20)))
    }

    /// Workflows, as one tenant.
    pub(crate) fn workflows(
        &self,
        url: Option<&str>,
    ) -> anyhow::Result<(Place, WorkflowServiceClient<Authorized>)> {
        let url = self.look_up(url, WORKFLOW_URL, "the address of the workflow stage")?;
        let (place, authorized) = self.call_at(url, &[self.admin_key()?])?;
        Ok((place, WorkflowServiceClient::new(authorized)))
    }

    fn call_at(&self, url: String, keys: &[String]) -> anyhow::Result<(Place, Authorized)> {
        let authorized = authorized(channel(&url)?, keys)?;
        let from: Vec<String> = keys.iter().filter_map(|key| self.admin_key_from(key)).collect();
        Ok((Place::new(url, from.join(" and ")), authorized))
    }

    /// Where what has this name was found, such as `NAME of the environment`.
    pub(crate) fn origin(&self, name: &str) -> String {
        match &self.folder {
            Some(folder) if !self.environment.contains_key(name) => {
                format!("{name} of {}", folder.join(ENV_FILE).display())
            }
            _ => format!("{name} of the environment"),
        }
    }

    /// The folder of the mesh of `up` that is called, unless flags or the environment say that it is another one.
    pub(crate) fn own_folder(&self, place: &Place) -> Option<&Path> {
        let folder = self.folder.as_deref()?;
        (self.file.get(PROFILES_URL) == Some(&*place.url)).then_some(folder)
    }

    /// Where its stages find secrets.
    pub(crate) fn own_secrets(&self, place: &Place) -> Option<PathBuf> {
        self.own_folder(place).map(|folder| folder.join(SECRETS))
    }

    /// What clients are told of a mesh of `up`: its file, and what it says.
    pub(crate) fn told_clients(folder: &Path) -> anyhow::Result<(PathBuf, EnvFile)> {
        let path = folder.join(ENV_FILE);
        let file = EnvFile::read(&path)?;
        Ok((path, file))
    }
}

#[cfg(test)]
impl Mesh {
    /// One of which this is known.
    pub(crate) fn with(environment: &[(&str, &str)]) -> Mesh {
        tests::mesh(environment, &[], None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn mesh(environment: &[(&str, &str)], file: &[(&str, &str)], tenant: Option<&str>) -> Mesh {
        let mut told = EnvFile::default();
        for (name, value) in file {
            told.set(*name, *value);
        }
        let environment =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Mesh { environment, file: told, folder: None, tenant: tenant.map(str::to_owned) }
    }

    #[test]
    fn the_file_is_found_from_a_folder_below() {
        let root = tempfile::tempdir().unwrap();
        let below = root.path().join("configuration/shop");
        std::fs::create_dir_all(&below).unwrap();
        std::fs::create_dir(root.path().join(FOLDER)).unwrap();
        std::fs::write(root.path().join(FOLDER).join(ENV_FILE), "NAME=value\n").unwrap();
        let mesh = Mesh::from(&below, BTreeMap::new(), None).unwrap();
        assert_eq!(mesh.look_up(None, "NAME", "it").unwrap(), "value");
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_file() {
        let mesh = mesh(&[("A", "environment")], &[("A", "file"), ("B", "file")], None);
        assert_eq!(mesh.look_up(Some("flag"), "A", "it").unwrap(), "flag");
        assert_eq!(mesh.look_up(Some(""), "A", "it").unwrap(), "environment", "an empty flag is none");
        assert_eq!(mesh.look_up(None, "B", "it").unwrap(), "file");
    }

    #[test]
    fn what_is_nowhere_is_told_with_what_to_do() {
        let said = Mesh::default().look_up(None, "NAME", "the address").unwrap_err().to_string();
        for part in ["the address is not known", "deploy/up", "set NAME"] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn secrets_are_made_only_for_the_mesh_whose_folder_it_is() {
        let mut mesh = mesh(&[], &[(PROFILES_URL, "http://127.0.0.1:7704")], None);
        mesh.folder = Some("/somewhere/.tributary".into());
        assert!(mesh.own_folder(&Place::of("http://127.0.0.1:7704")).is_some());
        assert!(mesh.own_folder(&Place::of("https://mesh.example.com")).is_none());
    }
}
