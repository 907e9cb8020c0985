//! Under which account a server runs, and a folder that this account can use.
//!
//! Postgres refuses to run as root, and Redis should not: started by root, both run under an account without rights.

use nix::unistd::{Gid, Uid, User, chown, geteuid};
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::ServerError;

/// An account to give a process to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The account to run `program` under: none when this process is not root itself.
pub(crate) fn unprivileged(program: &'static str, names: &[&str]) -> Result<Option<Account>, ServerError> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let found = names.iter().find_map(|name| User::from_name(name).ok().flatten());
    match found {
        Some(user) => Ok(Some(Account { uid: user.uid.as_raw(), gid: user.gid.as_raw() })),
        None => Err(ServerError::NoAccount { program, accounts: names.join(", ") }),
    }
}

/// Makes a folder that only `account` can use, at `wanted` if the account can get there, and otherwise below
/// `/var/tmp` under a name that follows from `wanted`: root's home, for one, lets nobody else through.
pub(crate) fn home(wanted: &Path, account: Option<Account>) -> Result<PathBuf, ServerError> {
    fs::create_dir_all(wanted).map_err(ServerError::file("create", wanted))?;
    let wanted = wanted.canonicalize().map_err(ServerError::file("find", wanted))?;
    let Some(account) = account else {
        restrict(&wanted)?;
        return Ok(wanted);
    };
    if can_pass(account, wanted.parent().unwrap_or(&wanted)) {
        hand_over(&wanted, account)?;
        return Ok(wanted);
    }
    let name = Sha256::digest(wanted.as_os_str().as_encoded_bytes());
    let elsewhere =
        Path::new("/var/tmp").join(format!("tributary-{}", data_encoding::HEXLOWER.encode(&name[..8])));
    make_own(&elsewhere, account)?;
    Ok(elsewhere)
}

/// Gives a folder to the account, and to it alone.
pub(crate) fn hand_over(folder: &Path, account: Account) -> Result<(), ServerError> {
    chown(folder, Some(Uid::from_raw(account.uid)), Some(Gid::from_raw(account.gid)))
        .map_err(|errno| ServerError::file("hand over", folder)(errno.into()))?;
    restrict(folder)
}

/// `/var/tmp` is open to everybody: a folder of this name that somebody else made first is not used.
fn make_own(folder: &Path, account: Account) -> Result<(), ServerError> {
    match fs::create_dir(folder) {
        Ok(()) => hand_over(folder, account),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(folder).map_err(ServerError::file("examine", folder))?;
            if found.is_dir() && (found.uid() == account.uid || found.uid() == 0) {
                hand_over(folder, account)
            } else {
                Err(ServerError::ForeignFolder { path: folder.into() })
            }
        }
        Err(error) => Err(ServerError::file("create", folder)(error)),
    }
}

fn restrict(folder: &Path) -> Result<(), ServerError> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
        .map_err(ServerError::file("restrict", folder))
}

/// Asked of the system rather than worked out from modes: access lists and mounts have a say too.
fn can_pass(account: Account, folder: &Path) -> bool {
    Command::new("test")
        .arg("-x")
        .arg(folder)
        .current_dir("/")
        .uid(account.uid)
        .gid(account.gid)
        .stdin(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
