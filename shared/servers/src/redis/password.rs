//! How Redis is told its password: by a file, since every account of the machine can read arguments.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::{OpenOptionsExt as _, fchown},
    path::{Path, PathBuf},
};

use crate::{ServerError, account::Account};

/// Writes the configuration file below `home`, readable by the account that Redis runs under and nobody else.
pub(super) fn write(home: &Path, account: Option<Account>, password: &str) -> Result<PathBuf, ServerError> {
    let path = home.join("redis.conf");
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(ServerError::file("remove", &path)(error));
        }
        _ => {}
    }
    // A new file only: the folder is the account's, and root must not follow a link that was laid there. The mode counts
    // from the first moment on.
    let written = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        if let Some(account) = account {
            fchown(&file, Some(account.uid), Some(account.gid))?;
        }
        writeln!(file, "requirepass {password}")
    };
    written().map_err(ServerError::file("write", &path))?;
    Ok(path)
}
