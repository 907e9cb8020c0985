//! Reading the directory: which files count, and in which order.

use std::fs;
use std::path::Path;

use crate::error::ConfigErrors;

/// Directories deeper than this are refused: it is a loop of links, or not a configuration.
const MAX_DEPTH: usize = 16;
/// The longest file, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// The most files.
const MAX_FILES: usize = 1000;

/// One file: its path relative to the directory, with `/` between parts, and its text.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// All `*.yaml` and `*.yml` below `dir`, by relative path. Names that begin with a dot are left out: editors
/// and mounted volumes keep their own copies there.
pub(crate) fn read(dir: &Path) -> Result<Vec<File>, ConfigErrors> {
    let shown = dir.display().to_string();
    if !dir.is_dir() {
        return Err(ConfigErrors::about(shown, "no such directory"));
    }
    let mut files = Vec::new();
    collect(dir, "", 0, &mut files)?;
    if files.is_empty() {
        return Err(ConfigErrors::about(shown, "no *.yaml or *.yml file in this directory"));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn collect(dir: &Path, prefix: &str, depth: usize, files: &mut Vec<File>) -> Result<(), ConfigErrors> {
    let failed =
        |path: &str, error: std::io::Error| ConfigErrors::about(path, format!("cannot read: {error}"));
    if depth > MAX_DEPTH {
        return Err(ConfigErrors::about(prefix, format!("directories nest deeper than {MAX_DEPTH}")));
    }
    for entry in fs::read_dir(dir).map_err(|error| failed(prefix, error))? {
        let entry = entry.map_err(|error| failed(prefix, error))?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let Some(name) = name.to_str() else {
            let shown = name.to_string_lossy();
            let path = if prefix.is_empty() { shown.into_owned() } else { format!("{prefix}/{shown}") };
            return Err(ConfigErrors::about(
                path,
                "the name is not UTF-8, so nothing could say where something is wrong",
            ));
        };
        let path = if prefix.is_empty() { name.to_string() } else { format!("{prefix}/{name}") };
        let metadata = fs::metadata(entry.path()).map_err(|error| failed(&path, error))?;
        if metadata.is_dir() {
            collect(&entry.path(), &path, depth + 1, files)?;
            continue;
        }
        if !(name.ends_with(".yaml") || name.ends_with(".yml")) {
            continue;
        }
        if metadata.len() > MAX_FILE_BYTES {
            return Err(ConfigErrors::about(path, format!("larger than {MAX_FILE_BYTES} bytes")));
        }
        if files.len() == MAX_FILES {
            return Err(ConfigErrors::about(path, format!("more than {MAX_FILES} files")));
        }
        let text = fs::read_to_string(entry.path()).map_err(|error| failed(&path, error))?;
        files.push(File { path, text });
    }
    Ok(())
}
