//! Folders of this test process, all below one that carries its process id.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::LazyLock,
};
use tempfile::TempDir;

const PREFIX: &str = "tributary-tests-";

/// The folder of this process. Statics are never dropped and killed tests clean nothing up, so each test process first
/// removes the folders of those that are gone.
pub(crate) static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    sweep(&env::temp_dir());
    let root = env::temp_dir().join(format!("{PREFIX}{}", std::process::id()));
    fs::create_dir_all(&root).expect("the temporary folder can be written to");
    // The servers' accounts pass through it.
    fs::set_permissions(&root, fs::Permissions::from_mode(0o711)).expect("the folder is ours");
    root
});

/// A folder for one test, removed when dropped.
pub(crate) fn folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("t")
        .permissions(fs::Permissions::from_mode(0o711))
        .tempdir_in(&*ROOT)
        .expect("the temporary folder can be written to")
}

fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid =
            name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|pid| pid.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_processes_that_are_gone_are_removed_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join(format!("{PREFIX}4294967295"));
        let running = folder.path().join(format!("{PREFIX}{}", std::process::id()));
        let stranger = folder.path().join("something-else");
        for path in [&gone, &running, &stranger] {
            fs::create_dir(path).unwrap();
        }
        sweep(folder.path());
        assert!(!gone.exists() && running.exists() && stranger.exists());
    }
}
