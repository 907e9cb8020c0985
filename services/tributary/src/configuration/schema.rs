//! `schema`: what editors need to complete and check documents.

use crate::out;

/// Nothing to choose.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary schema > tributary.schema.json

Then name it in the first line of a file, for editors with a YAML language server:
  # yaml-language-server: $schema=./tributary.schema.json")]
pub(crate) struct Args {}

/// Prints it.
///
/// # Errors
/// Standard output cannot be written to.
pub(crate) fn run(_: &Args) -> anyhow::Result<()> {
    out::json(&tributary_config::json_schema())
}
