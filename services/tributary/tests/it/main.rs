//! Documents that are shown or shipped, with the scenario runner: each does what it says.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as the tests do")]

mod cases;
mod guide;

use std::path::{Path, PathBuf};

use tributary::scenario::{PlayedStep, play};
use tributary_config::Config;

/// A place of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Every step of every scenario, and which one it is of.
fn played(config: &Config) -> Vec<(String, PlayedStep)> {
    let mut all = Vec::new();
    for (id, tenant) in &config.tenants {
        for scenario in &tenant.scenarios {
            let steps = play(config, id, scenario).steps;
            all.extend(steps.into_iter().map(|step| (scenario.name.clone(), step)));
        }
    }
    all
}

/// What did not come as expected, in words.
fn failures(played: &[(String, PlayedStep)]) -> Vec<String> {
    let failed = played.iter().filter(|(_, step)| !step.passed());
    let told = failed.map(|(scenario, step)| {
        let diff = step.compared.diff();
        format!("{scenario}, {}: {diff:#?}\n{:#?}\n{:#?}", step.name, step.unanswered, step.notes)
    });
    told.collect()
}
