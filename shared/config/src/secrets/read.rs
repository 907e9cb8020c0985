//! Reading a secret: from the environment, or from a file that stays where files of secrets are.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::reference::MOUNTED;
use super::{SecretError, SecretRef};

/// Names a directory of files, as mounted secrets are: what is not in the environment is looked for there.
const SECRETS_DIRECTORY: &str = "TRIBUTARY_SECRETS";

/// The largest file that is read, in bytes.
const LARGEST: u64 = 64 * 1024;

impl SecretRef {
    pub(crate) fn resolve(
        &self,
        wanted_by: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<SecretString, SecretError> {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        let directory = set(SECRETS_DIRECTORY).map(PathBuf::from);
        let unreadable = |reason: String| SecretError::UnreadableFile {
            wanted_by: wanted_by.into(),
            path: self.place(),
            reason,
        };
        match self {
            SecretRef::Env(name) => {
                if let Some(value) = set(name) {
                    return Ok(SecretString::from(value));
                }
                match directory.filter(|directory| directory.join(name).exists()) {
                    Some(directory) => read(&directory, Path::new(name)).map_err(unreadable),
                    None => Err(SecretError::MissingEnv { wanted_by: wanted_by.into(), name: name.clone() }),
                }
            }
            SecretRef::File(path) if path.is_absolute() => {
                let mounted = Path::new(MOUNTED);
                if directory.is_some_and(|directory| has_another_name(&directory, mounted, path)) {
                    let reason = "it lies in TRIBUTARY_SECRETS: write its path from there";
                    return Err(unreadable(reason.to_owned()));
                }
                read(mounted, path).map_err(unreadable)
            }
            SecretRef::File(path) => match directory {
                Some(directory) => read(&directory, path).map_err(unreadable),
                None => Err(unreadable("TRIBUTARY_SECRETS names no directory".to_owned())),
            },
        }
    }
}

/// Whether a file below `mounted` is also found from `directory`, by a path that says something else. Whoever may have one
/// of two names must not get at what the other is for.
fn has_another_name(directory: &Path, mounted: &Path, path: &Path) -> bool {
    let (Ok(directory), Ok(file)) = (directory.canonicalize(), mounted.join(path).canonicalize()) else {
        return false;
    };
    let is_one = mounted.canonicalize().is_ok_and(|mounted| mounted == directory);
    !is_one && file.starts_with(directory)
}

/// Reads a regular file below `root`. Anything else could be without an end, or never answer.
fn read(root: &Path, path: &Path) -> Result<SecretString, String> {
    let why = |error: std::io::Error| error.to_string();
    let root_is = root.canonicalize().map_err(why)?;
    let file = root.join(path).canonicalize().map_err(why)?;
    if !file.starts_with(&root_is) {
        return Err(format!("it leads out of {}", root.display()));
    }
    let fits = |metadata: fs::Metadata| {
        if !metadata.is_file() {
            return Err("it is not a regular file".to_owned());
        }
        if metadata.len() > LARGEST {
            return Err(format!("it has more than {LARGEST} bytes"));
        }
        Ok(())
    };
    // Before it is opened: opening a pipe would wait for whoever writes to it.
    fits(fs::metadata(&file).map_err(why)?)?;
    let file = File::open(&file).map_err(why)?;
    fits(file.metadata().map_err(why)?)?;
    let mut text = String::new();
    // Its text may stand in this error's words; nothing of it is told.
    file.take(LARGEST).read_to_string(&mut text).map_err(|error| error.kind().to_string())?;
    match text.trim() {
        "" => Err("it is empty".to_owned()),
        secret => Ok(SecretString::from(secret)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;
    use std::os::unix::{fs::symlink, net::UnixListener};

    fn said(root: &Path, name: &str) -> String {
        read(root, Path::new(name)).map_or_else(|reason| reason, |secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn only_small_regular_files_that_stay_below_the_root_are_read() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (at, away) = (root.path(), outside.path());
        fs::write(at.join("right"), " a secret \n").unwrap();
        fs::write(at.join("empty"), " \n").unwrap();
        fs::write(at.join("large"), vec![b'x'; 64 * 1024 + 1]).unwrap();
        fs::write(at.join("binary"), [0xff, 0xfe]).unwrap();
        fs::write(away.join("other"), "of another").unwrap();
        symlink(at.join("right"), at.join("same")).unwrap();
        symlink(away.join("other"), at.join("leads-out")).unwrap();
        fs::create_dir(at.join("folder")).unwrap();
        // As a pipe: something that is there and is no file.
        let _listener = UnixListener::bind(at.join("socket")).unwrap();
        assert_eq!((said(at, "right"), said(at, "same")), ("a secret".to_owned(), "a secret".to_owned()));
        for (name, reason) in [
            ("empty", "it is empty"),
            ("large", "it has more than 65536 bytes"),
            ("folder", "it is not a regular file"),
            ("socket", "it is not a regular file"),
            ("leads-out", "it leads out of "),
            ("binary", "invalid data"),
            ("missing", "No such file"),
        ] {
            assert!(said(at, name).starts_with(reason), "{name}: {}", said(at, name));
        }
    }

    #[test]
    fn a_file_with_a_second_name_is_not_read_by_it() {
        let mounted = tempfile::tempdir().unwrap();
        let directory = mounted.path().join("mesh");
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("key"), "x").unwrap();
        fs::write(mounted.path().join("own"), "x").unwrap();
        let key = directory.join("key");
        assert!(has_another_name(&directory, mounted.path(), &key));
        assert!(!has_another_name(mounted.path(), mounted.path(), &key), "both say mesh/key");
        assert!(!has_another_name(&directory, mounted.path(), &mounted.path().join("own")));
    }
}
