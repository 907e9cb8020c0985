//! Whole configurations in, everything they say and everything that is wrong with them out.

mod right;
mod scenarios;
mod secrets;
mod workflows;
mod wrong;

use std::fs;

use tempfile::TempDir;

use crate::{Config, ConfigErrors};

pub(crate) const SOURCE: &str = "kind: Source\nname: web\nspec:\n  write_keys: [{env: KEY}]\n";

/// A directory with these files.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

pub(crate) fn load(files: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    Config::load(directory(files).path())
}
