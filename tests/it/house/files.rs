//! The project's own text files.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A text file of the project.
pub(super) struct Text {
    /// From the project's root, with `/`.
    pub(super) path: String,
    pub(super) content: String,
}

impl Text {
    pub(super) fn lines(&self) -> usize {
        self.content.lines().count()
    }

    pub(super) fn measured(&self) -> String {
        format!("{}: {} lines", self.path, self.lines())
    }

    pub(super) fn is_lua(&self) -> bool {
        self.path.ends_with(".lua")
    }

    /// Whether it is code of a program, and not of a test, a build or a machine's set-up.
    pub(super) fn is_product(&self) -> bool {
        let code = self.path.ends_with(".rs") || self.is_lua();
        let product = ["proto/", "shared/", "services/"].iter().any(|part| self.path.starts_with(part));
        code && product && self.path.contains("/src/")
    }
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in a folder of the project")
}

/// Everything that people write. What tools make and data that came from elsewhere is left out: the folders and files
/// whose names begin with a dot, `target`, the generated `docs/schema`, `tests/data`, the lock file and the licence.
pub(super) fn texts() -> anyhow::Result<Vec<Text>> {
    let mut texts = Vec::new();
    collect(root(), &mut texts)?;
    texts.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(texts)
}

fn collect(folder: &Path, texts: &mut Vec<Text>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if is_left_out(&path) {
            continue;
        }
        if kind.is_dir() {
            collect(&path, texts)?;
        } else if kind.is_file()
            && let Ok(content) = fs::read_to_string(&path)
        {
            texts.push(Text { path: from_root(&path).display().to_string(), content });
        }
    }
    Ok(())
}

fn is_left_out(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let named =
        ["target", "Cargo.lock", "LICENSE", "docs/schema", "tests/data", "tests/proptest-regressions"];
    name.starts_with('.') || named.iter().any(|left_out| from_root(path) == Path::new(left_out))
}

fn from_root(path: &Path) -> PathBuf {
    path.strip_prefix(root()).unwrap_or(path).to_owned()
}
