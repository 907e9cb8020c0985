//! Files of `NAME=VALUE` lines that only their owner can read, and that a shell can source.

use anyhow::Context as _;
use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// Names and values, in the order of the names.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct EnvFile {
    values: BTreeMap<String, String>,
}

/// Shows the names only: the values are secrets.
impl std::fmt::Debug for EnvFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

impl EnvFile {
    /// Reads a file; one that is not there counts as empty.
    ///
    /// # Errors
    /// When it cannot be read or a line is not understood; the line's number is in the error, its content is not.
    pub(crate) fn read(path: &Path) -> anyhow::Result<EnvFile> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(EnvFile::default()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let lines =
            (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let values = lines.map(|(number, line)| {
            let pair =
                line.split_once('=').and_then(|(name, value)| Some((name.to_owned(), unquoted(value)?)));
            pair.with_context(|| format!("{}:{number} is not NAME=VALUE", path.display()))
        });
        Ok(EnvFile { values: values.collect::<anyhow::Result<_>>()? })
    }

    /// Writes the file, readable by its owner only, in one step: a reader sees the old content or the new.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text: String =
            self.values.iter().map(|(name, value)| format!("{name}={}\n", quoted(value))).collect();
        let fresh = path.with_extension("new");
        // A leftover could be readable by others: the mode is only given to a file that is created.
        let _ = fs::remove_file(&fresh);
        let written = || {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, path)
        };
        written().with_context(|| format!("cannot write {}", path.display()))
    }

    /// A value.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Sets a value, replacing one that is there.
    pub(crate) fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.values.insert(name.into(), value.into());
    }

    /// Takes a value out.
    pub(crate) fn remove(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    /// All names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%?=+,-".contains(c);
    if value.chars().all(plain) { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

fn unquoted(value: &str) -> Option<String> {
    match value.strip_prefix('\'') {
        None => Some(value.to_owned()),
        Some(rest) => Some(rest.strip_suffix('\'')?.replace(r"'\''", "'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn example() -> EnvFile {
        let mut file = EnvFile::default();
        file.set("PLAIN", "redis://127.0.0.1:6379/");
        file.set("AWKWARD", "it's a & b; $(c)");
        file.set("EMPTY", "");
        file
    }

    #[test]
    fn what_was_written_is_read_back_and_nobody_else_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        example().write(&path).unwrap();
        assert_eq!(EnvFile::read(&path).unwrap(), example());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_shell_reads_the_same_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        example().write(&path).unwrap();
        let script = r#". "$0"; printf '%s' "$AWKWARD""#;
        let shell = std::process::Command::new("sh").args(["-c", script]).arg(&path).output().unwrap();
        assert_eq!(String::from_utf8(shell.stdout).unwrap(), "it's a & b; $(c)");
    }

    #[test]
    fn a_line_that_is_not_understood_is_named_by_number_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        fs::write(&path, "# comment\nNAME=value\nsecret\n").unwrap();
        let error = format!("{:#}", EnvFile::read(&path).unwrap_err());
        assert!(error.contains(":3 is not") && !error.contains("secret"), "{error}");
    }
}
