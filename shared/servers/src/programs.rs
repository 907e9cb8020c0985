//! Finding programs that are not part of the project.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::ServerError;

/// Where Debian keeps each PostgreSQL version's programs; they are not in `PATH`.
const POSTGRES_VERSIONS: &str = "usr/lib/postgresql";

/// The program's file: from `TRIBUTARY_TOOLS`, from `PATH`, from Debian's PostgreSQL folders (newest version first), or
/// from `.tributary/tools` of the current folder or one above it.
///
/// # Errors
/// [`ServerError::ProgramMissing`], with the folders searched and `install` as the advice.
pub fn find_program(program: &str, install: &'static str) -> Result<PathBuf, ServerError> {
    let folders = folders();
    folders.iter().map(|folder| folder.join(program)).find(|file| is_program(file)).ok_or_else(|| {
        ServerError::ProgramMissing {
            program: program.into(),
            looked: folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", "),
            install,
        }
    })
}

/// The folders of shared libraries that belong to a program unpacked below a tools folder; none for an installed one.
pub(crate) fn libraries_of(program: &Path) -> Vec<PathBuf> {
    let program = program.canonicalize().unwrap_or_default();
    let roots = tools().into_iter().filter_map(|root| root.canonicalize().ok());
    let Some(root) = roots.into_iter().find(|root| program.starts_with(root)) else { return Vec::new() };
    let base = root.join("usr/lib");
    let mut folders: Vec<PathBuf> = below(&base).into_iter().filter(|path| path.is_dir()).collect();
    folders.push(base);
    folders
}

fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    folders.extend(named_tools().iter().flat_map(|root| unpacked(root)));
    folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    folders.extend(postgres_versions(Path::new("/")));
    folders.extend(project_tools().iter().flat_map(|root| unpacked(root)));
    folders
}

fn tools() -> Vec<PathBuf> {
    named_tools().into_iter().chain(project_tools()).collect()
}

/// An empty variable names nothing: taken for a folder, it would be the current one.
fn named_tools() -> Option<PathBuf> {
    env::var_os("TRIBUTARY_TOOLS").filter(|root| !root.is_empty()).map(PathBuf::from)
}

/// Tests run in their crate's folder, the command in the project's: so the folders above count too.
fn project_tools() -> Vec<PathBuf> {
    let here = env::current_dir().unwrap_or_default();
    here.ancestors().map(|folder| folder.join(".tributary/tools")).filter(|folder| folder.is_dir()).collect()
}

/// A tools folder holds programs itself, in `bin`, and as Debian packages unpacked into it lay them out.
fn unpacked(root: &Path) -> Vec<PathBuf> {
    let mut folders = vec![root.to_owned(), root.join("bin"), root.join("usr/bin")];
    folders.extend(postgres_versions(root));
    folders
}

fn postgres_versions(root: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = below(&root.join(POSTGRES_VERSIONS))
        .into_iter()
        .filter_map(|path| Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin"))))
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

fn below(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_missing_program_says_where_it_was_looked_for_and_what_to_do() {
        let message = find_program("no-such-program", "apt-get install nothing").unwrap_err().to_string();
        assert!(message.contains("/usr/bin"), "{message}");
        assert!(message.contains("apt-get install nothing"), "{message}");
    }

    #[test]
    fn the_newest_postgres_of_an_unpacked_folder_comes_first() {
        let root = tempfile::tempdir().unwrap();
        for version in ["9", "15", "16", "not-a-version"] {
            fs::create_dir_all(root.path().join(POSTGRES_VERSIONS).join(version).join("bin")).unwrap();
        }
        let found = postgres_versions(root.path());
        let names: Vec<_> =
            found.iter().map(|path| path.parent().unwrap().file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["16", "15", "9"]);
    }

    #[test]
    fn a_file_that_may_not_be_executed_is_no_program() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("tool");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(!is_program(&file));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
        assert!(is_program(&file));
    }
}
