//! Whole configurations in, everything they say and everything that is wrong with them out.

mod right;
mod secrets;
mod wrong;

use std::fs;

use tempfile::TempDir;

use crate::{Config, ConfigErrors};

const SOURCE: &str = "kind: Source\nname: web\nspec:\n  write_keys: [{env: KEY}]\n";

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

fn load(files: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    Config::load(directory(files).path())
}
