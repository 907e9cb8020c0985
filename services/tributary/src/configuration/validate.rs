//! `validate`: everything that is wrong with a directory of documents, without a mesh.

use std::path::{Path, PathBuf};

use serde_json::json;
use tributary_config::{Config, ConfigError, ConfigErrors, Document, read_directory};

use super::diagnostics;
use crate::{
    cli::{self, Globals},
    out,
};

/// Documents of this kind are tested, never configured.
const SCENARIO: &str = "Scenario";

/// Which directory.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary validate deploy/example
  tributary validate . --json | jq -r '.errors[] | \"\\(.file):\\(.line): \\(.reason)\"'

Nothing is contacted and no secret is needed. All errors are told at once, each with its place.")]
pub(crate) struct Args {
    /// The directory of documents.
    #[arg(value_name = "DIR", value_parser = cli::directory)]
    directory: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Checks them.
///
/// # Errors
/// Something is wrong with them.
pub(crate) fn run(args: &Args, globals: &Globals) -> anyhow::Result<()> {
    match load(&args.directory) {
        Ok((config, documents)) => {
            let (tenants, revision) = (config.tenants.len(), &config.revision);
            if args.json {
                let warnings: Vec<_> = config.warnings.iter().map(for_programs).collect();
                return out::json(&json!({
                    "ok": true, "documents": documents.len(), "tenants": tenants, "revision": revision,
                    "errors": [], "warnings": warnings,
                }));
            }
            warn(&config);
            let all = documents.len();
            let scenarios = match all - configured(documents).len() {
                0 => String::new(),
                scenarios => format!(" ({} to run with `tributary test`)", count(scenarios, "scenario")),
            };
            let (all, tenants) = (count(all, "document"), count(tenants, "tenant"));
            out::line(format_args!("ok: {all}{scenarios}, {tenants}, revision {revision}"))
        }
        Err(errors) if args.json => {
            let listed: Vec<_> = errors.errors().iter().map(for_programs).collect();
            out::json(&json!({"ok": false, "errors": listed, "warnings": []}))?;
            Err(failure(&args.directory, &errors))
        }
        Err(errors) => {
            tell(&args.directory, &errors, globals);
            Err(failure(&args.directory, &errors))
        }
    }
}

/// A directory, checked as a whole, and its documents, scenarios included.
pub(super) fn load(directory: &Path) -> Result<(Config, Vec<Document>), ConfigErrors> {
    let config = Config::load(directory)?;
    Ok((config, read_directory(directory)?))
}

/// What of it is configured.
pub(super) fn configured(documents: Vec<Document>) -> Vec<Document> {
    documents.into_iter().filter(|document| document.kind != SCENARIO).collect()
}

/// Shows all errors where people see them.
pub(crate) fn tell(directory: &Path, errors: &ConfigErrors, globals: &Globals) {
    out::note(diagnostics::all(directory, errors, globals.error_style()));
}

/// Tells what is suspicious; that keeps nobody from anything.
pub(super) fn warn(config: &Config) {
    for warning in &config.warnings {
        out::note(format_args!("warning: {warning}"));
    }
}

/// That there are errors, and how many.
pub(crate) fn failure(directory: &Path, errors: &ConfigErrors) -> anyhow::Error {
    anyhow::anyhow!("{} in {}", count(errors.errors().len(), "error"), directory.display())
}

/// An error, for programs.
pub(crate) fn for_programs(error: &ConfigError) -> serde_json::Value {
    json!({
        "file": error.file,
        "line": error.line,
        "column": error.column,
        "document": error.document,
        "reason": error.reason,
    })
}

/// `1 error`, `2 errors`.
pub(super) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
