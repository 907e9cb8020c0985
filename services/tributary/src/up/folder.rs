//! `.tributary`: what belongs where in it, and that only one mesh uses it at a time.

use anyhow::{Context as _, bail};
use nix::unistd::{Uid, User, geteuid};
use std::{
    env,
    fs::{self, File, TryLockError},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

const NAME: &str = ".tributary";

/// The folder, held by this process until it is dropped.
pub(super) struct Folder {
    root: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder, if need be, in the current one, and takes it.
    pub(super) fn open() -> anyhow::Result<Folder> {
        Folder::open_in(&env::current_dir().context("the current folder is gone")?, geteuid())
    }

    fn open_in(parent: &Path, own: Uid) -> anyhow::Result<Folder> {
        let root = parent.join(NAME);
        check_owner(&root, own)?;
        for folder in [&root, &root.join("logs")] {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let path = root.join("lock");
        let lock = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Folder { root, _lock: lock }),
            // Two servers on the same data would ruin it.
            Err(TryLockError::WouldBlock) => bail!("another mesh is up in {}: stop it first", root.display()),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    /// Where everything is.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The data of a server, or a file of this name.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// An empty log; what it held before is kept once, as `NAME.previous.log`.
    pub(super) fn fresh_log(&self, name: &str) -> anyhow::Result<PathBuf> {
        let log = self.root.join("logs").join(format!("{name}.log"));
        if log.exists() {
            let previous = log.with_extension("previous.log");
            fs::rename(&log, previous).with_context(|| format!("cannot move {}", log.display()))?;
        }
        Ok(log)
    }

    /// What the mesh keeps to itself, and admin keys: made at the first start and kept.
    pub(super) fn secrets_file(&self) -> PathBuf {
        self.root.join("secrets.env")
    }

    /// Says where the running mesh is.
    pub(super) fn env_file(&self) -> PathBuf {
        self.root.join("env")
    }

    /// A mesh that is down is nowhere.
    pub(super) fn forget_env_file(&self) {
        let _ = fs::remove_file(self.env_file());
    }
}

/// Root, for one, could write there, and what it leaves behind the owner could not use any more.
fn check_owner(root: &Path, own: Uid) -> anyhow::Result<()> {
    let Ok(found) = fs::metadata(root) else { return Ok(()) };
    let owner = Uid::from_raw(found.uid());
    if owner == own {
        return Ok(());
    }
    let (owner, own) = (name_of(owner), name_of(own));
    let root = root.display();
    bail!(
        "{root} belongs to {owner}, and this is {own}: start the mesh as {owner}, or move {root} away to begin anew"
    )
}

fn name_of(uid: Uid) -> String {
    let known = User::from_uid(uid).ok().flatten();
    known.map_or_else(|| format!("the account with number {uid}"), |user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_another_account_is_refused_and_left_as_it_is() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join(NAME);
        fs::create_dir(&root).unwrap();
        let another = Uid::from_raw(geteuid().as_raw() + 1);
        let said = Folder::open_in(parent.path(), another).err().unwrap().to_string();
        assert!(said.contains(&format!("belongs to {}", name_of(geteuid()))), "{said}");
        assert_eq!(fs::read_dir(&root).unwrap().count(), 0, "something was written");
    }

    #[test]
    fn a_second_mesh_in_the_same_folder_is_refused_until_the_first_is_gone() {
        let parent = tempfile::tempdir().unwrap();
        let first = Folder::open_in(parent.path(), geteuid()).unwrap();
        let error = Folder::open_in(parent.path(), geteuid()).err().unwrap().to_string();
        assert!(error.contains("another mesh is up"), "{error}");
        drop(first);
        assert!(Folder::open_in(parent.path(), geteuid()).is_ok());
    }

    #[test]
    fn a_log_starts_empty_and_the_previous_one_is_kept() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open_in(parent.path(), geteuid()).unwrap();
        fs::write(folder.fresh_log("ingest").unwrap(), "before").unwrap();
        let log = folder.fresh_log("ingest").unwrap();
        assert!(!log.exists());
        assert_eq!(fs::read_to_string(log.with_file_name("ingest.previous.log")).unwrap(), "before");
    }
}
