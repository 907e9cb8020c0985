//! What the mesh is configured with when it starts: the revision in force, or the directory that becomes its first one.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tributary_config::{Config, ConfigErrors, Document};
use tributary_storage::Storage;

use super::{folder::Folder, secrets};
use crate::{cli::Globals, configuration::validate, environment::given};

/// A directory of documents, and whether they are right.
pub(super) struct Directory {
    pub(super) path: PathBuf,
    /// As it was named.
    named: PathBuf,
    globals: Globals,
    read: Result<Config, ConfigErrors>,
}

impl Directory {
    /// Reads it. What is wrong with it is told at once where the mesh cannot have a configuration of its own yet.
    ///
    /// # Errors
    /// The mesh is new, and could not begin with these documents.
    pub(super) fn read(path: &Path, folder: &Folder, globals: &Globals) -> anyhow::Result<Directory> {
        let named = path.to_owned();
        let is_new = given("DATABASE_URL").is_none() && !folder.path("postgres").exists();
        let path = match path.canonicalize() {
            Ok(path) => path,
            Err(_) if !is_new => path.to_owned(),
            Err(error) => {
                return Err(error).with_context(|| {
                    format!("no configuration at {}: name its folder with --config", path.display())
                });
            }
        };
        let directory = Directory { read: Config::load(&path), path, named, globals: globals.clone() };
        if is_new {
            secrets::check_headers(directory.first()?, folder)?;
        }
        Ok(directory)
    }

    fn first(&self) -> anyhow::Result<&Config> {
        self.read.as_ref().map_err(|errors| {
            validate::tell(&self.named, errors, &self.globals);
            validate::failure(&self.named, errors)
        })
    }
}

/// The configuration of a mesh that starts.
pub(super) struct Standing {
    pub(super) config: Config,
    /// The revision in force; `None` where this is to become the first.
    pub(super) revision: Option<String>,
    /// Whose admin keys there are to be: tenants of the directory too, so that they can be applied.
    pub(super) tenants: BTreeSet<String>,
}

impl Standing {
    /// Asks the database, which is laid out already.
    ///
    /// # Errors
    /// It does not answer; or it has no configuration, and the directory is wrong.
    pub(super) async fn find(database_url: &str, directory: &Directory) -> anyhow::Result<Standing> {
        let storage = Storage::connect(database_url, 1).await.context("the database cannot be asked")?;
        let stored = storage.newest_revision().await.context("the database cannot be asked")?;
        let (config, revision) = match stored {
            None => (directory.first()?.clone(), None),
            Some(row) => {
                let wrong = || format!("revision {} in the database cannot be read", row.id);
                let documents: Vec<Document> = serde_json::from_value(row.documents).with_context(wrong)?;
                (Config::from_documents(&documents).with_context(wrong)?, Some(row.id.clone()))
            }
        };
        let in_directory = directory.read.iter().flat_map(|config| config.tenants.keys());
        let tenants = config.tenants.keys().chain(in_directory).map(|tenant| tenant.as_str().to_owned());
        let tenants = tenants.collect();
        Ok(Standing { config, revision, tenants })
    }
}
