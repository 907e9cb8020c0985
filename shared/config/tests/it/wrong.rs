//! What is said about wrong documents, word for word. Each is a file of `tests/wrong`, or a folder where several files are
//! needed, and stands beside a Source `web`; what is said about it is the file of the same name that ends in `.snap`.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tributary_config::Config;

const WEB: &str = "kind: Source\nname: web\nspec:\n  write_keys: [{env: WEB_KEY}]\n";

/// The wrong documents by their name, sorted.
fn all() -> Vec<(String, PathBuf)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong");
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let wrong = paths.filter(|path| path.is_dir() || path.extension().is_some_and(|kind| kind == "yaml"));
    let mut named: Vec<(String, PathBuf)> =
        wrong.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_string(), path)).collect();
    named.sort();
    named
}

/// What loading says about the file or the files of the folder.
fn said(path: &Path) -> String {
    let dir = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = match path.is_dir() {
        true => fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect(),
        false => vec![path.to_path_buf()],
    };
    for file in files {
        fs::copy(&file, dir.path().join(file.file_name().unwrap())).unwrap();
    }
    fs::write(dir.path().join("web.yaml"), WEB).unwrap();
    match Config::load(dir.path()) {
        Ok(_) => "nothing: it is right".to_string(),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn what_is_said_about_wrong_documents_stays_as_it_is() {
    let all = all();
    assert!(all.len() >= 20, "there are {}", all.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../wrong");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let differs = |(name, path): &(String, PathBuf)| {
        let said = said(path);
        let compared = AssertUnwindSafe(|| settings.bind(|| insta::assert_snapshot!(name.as_str(), said)));
        catch_unwind(compared).is_err().then(|| name.clone())
    };
    let different: Vec<String> = all.iter().filter_map(differs).collect();
    assert!(different.is_empty(), "other words for {}", different.join(", "));
}

#[test]
fn every_snapshot_belongs_to_a_wrong_document() {
    let names: Vec<String> = all().into_iter().map(|(name, _)| name).collect();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong");
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "snap") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_string();
            assert!(names.contains(&name), "{name}.snap has no document");
        }
    }
}
