//! The rules of the house that no compiler checks: who may depend on whom, where things are written, how large they get.
//!
//! Each test names every place that breaks its rule, so that one run tells all there is to do.

use anyhow::Context as _;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fmt::Display,
    path::{Path, PathBuf},
    process::Command,
};

mod citations;
mod files;
mod words;

use files::{Text, root, texts};

/// The hard end; most files have a quarter of it.
const MOST_LINES: usize = 500;
/// A stage's program only hands over to its library.
const MOST_LINES_OF_MAIN: usize = 20;
/// The package of the command.
const COMMAND: &str = "tributary";
/// The one file that spells keys of Redis.
const KEYS: &str = "shared/streams/src/keys.rs";
/// The one file that spells names of telemetry.
const NAMES: &str = "shared/runtime/src/telemetry/names.rs";
/// What the domain must not know of.
const NOT_DOMAIN: [&str; 4] = ["tokio", "tonic", "sqlx", "redis"];

#[test]
fn no_stage_is_a_library_of_another_part() -> anyhow::Result<()> {
    let packages = packages()?;
    let stages: BTreeSet<&str> =
        packages.iter().filter(|package| package.is_stage()).map(|package| &*package.name).collect();
    assert_eq!(stages.len(), 5, "{stages:?}");
    // The command plays scenarios on the stages' pure code; it is part of none of them.
    let others = packages.iter().filter(|package| package.name != COMMAND);
    assert_none(others.flat_map(|package| {
        let wrong = package.dependencies.iter().filter(|name| stages.contains(name.as_str()));
        wrong.map(move |name| format!("{} depends on the stage {name}", package.name))
    }));
    Ok(())
}

#[test]
fn the_domain_knows_no_runtime_no_transport_and_no_database() -> anyhow::Result<()> {
    let tree =
        cargo(&["tree", "-p", "tributary-model", "-e", "no-dev", "--prefix", "none", "--format", "{lib}"])?;
    let crates: BTreeSet<&str> = tree.lines().map(str::trim).collect();
    assert!(crates.contains("tributary_model"), "{crates:?}");
    assert_none(NOT_DOMAIN.iter().filter(|name| crates.contains(*name)));
    Ok(())
}

#[test]
fn a_program_only_hands_over_to_its_library() -> anyhow::Result<()> {
    let texts = texts()?;
    let mains: Vec<&Text> = texts
        .iter()
        .filter(|text| text.path.starts_with("services/") && text.path.ends_with("/src/main.rs"))
        .collect();
    assert!(mains.len() >= 6, "{} programs", mains.len());
    assert_none(mains.into_iter().filter(|text| text.lines() > MOST_LINES_OF_MAIN).map(Text::measured));
    Ok(())
}

#[test]
fn every_library_opens_with_what_it_is_for() -> anyhow::Result<()> {
    let texts = texts()?;
    let libraries: Vec<&Text> = texts.iter().filter(|text| text.path.ends_with("src/lib.rs")).collect();
    let programs =
        packages()?.into_iter().filter(|package| root().join(&package.folder).join("src").exists());
    assert_eq!(libraries.len(), programs.count(), "one for each package that is more than tests");
    assert_none(
        libraries.into_iter().filter(|text| !text.content.starts_with("//! ")).map(|text| &text.path),
    );
    Ok(())
}

#[test]
fn no_file_is_longer_than_can_be_read_at_once() -> anyhow::Result<()> {
    assert_none(texts()?.iter().filter(|text| text.lines() > MOST_LINES).map(Text::measured));
    Ok(())
}

#[test]
fn keys_of_redis_are_spelt_in_one_file() -> anyhow::Result<()> {
    let texts = texts()?;
    let keys = texts.iter().find(|text| text.path == KEYS).context("the file of keys has moved")?;
    let names = words::names_of_keys(&keys.content);
    assert!(names.len() > 10 && names.contains("owner") && names.contains("events"), "{names:?}");
    assert_none(texts.iter().filter(|text| text.is_product() && text.path != KEYS).flat_map(|text| {
        let literals = words::literals(text.is_lua(), &text.content);
        let keys = literals.into_iter().filter(|literal| words::is_key(literal, &names));
        keys.map(|literal| format!("{}: {literal:?}", text.path)).collect::<Vec<_>>()
    }));
    Ok(())
}

#[test]
fn every_name_of_telemetry_is_used() -> anyhow::Result<()> {
    let texts = texts()?;
    let names = texts.iter().find(|text| text.path == NAMES).context("the file of names has moved")?;
    let declared = words::constants(&names.content);
    assert!(declared.len() > 20, "{declared:?}");
    let programs = texts.iter().filter(|text| text.is_product() && text.path != NAMES);
    let used: BTreeSet<&str> = programs.flat_map(|text| words::taken_from("names", &text.content)).collect();
    assert_none(declared.iter().filter(|name| !used.contains(*name)));
    Ok(())
}

#[test]
fn what_the_code_cites_is_written_there() -> anyhow::Result<()> {
    let texts = texts()?;
    let cited: BTreeSet<_> = texts.iter().flat_map(|text| citations::of(&text.path, &text.content)).collect();
    assert!(cited.len() > 10, "{cited:?}");
    assert_none(cited.iter().filter_map(|citation| {
        let Some(document) = texts.iter().find(|text| text.path == citation.document) else {
            return Some(format!("{citation}: there is no such file"));
        };
        let section = citation.section.as_ref()?;
        (!citations::has_section(&document.content, section)).then(|| format!("{citation}: no such section"))
    }));
    Ok(())
}

/// A package of the workspace.
struct Package {
    name: String,
    /// Its folder, from the root.
    folder: PathBuf,
    /// The packages that its Cargo.toml names, for whatever purpose.
    dependencies: Vec<String>,
}

impl Package {
    fn is_stage(&self) -> bool {
        self.folder.starts_with("services") && self.folder != Path::new("services/tributary")
    }
}

fn packages() -> anyhow::Result<Vec<Package>> {
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])?)?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned).context("cargo names everything");
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            let manifest = PathBuf::from(text(&package["manifest_path"])?);
            let folder = manifest.parent().and_then(|folder| folder.strip_prefix(root()).ok());
            Ok(Package {
                name: text(&package["name"])?,
                folder: folder.context("a package outside of the project")?.to_owned(),
                dependencies: list(&package["dependencies"])
                    .iter()
                    .map(|dependency| text(&dependency["name"]))
                    .collect::<anyhow::Result<_>>()?,
            })
        })
        .collect()
}

/// What cargo says, without asking any registry.
fn cargo(arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(env!("CARGO")).args(arguments).arg("--offline").current_dir(root()).output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[track_caller]
fn assert_none(wrong: impl Iterator<Item = impl Display>) {
    let wrong: Vec<String> = wrong.map(|place| place.to_string()).collect();
    assert!(wrong.is_empty(), "the rule is broken here:\n{}", wrong.join("\n"));
}
