//! `schema`: what editors need to complete and check documents, and what programs need to speak with the mesh.

use std::io::Write as _;

use crate::out;

/// What is printed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary schema > tributary.schema.json

Then name it in the first line of a file, for editors with a YAML language server:
  # yaml-language-server: $schema=./tributary.schema.json

For a node of your own, as deploy/example/nodes/scoring_node.py is one:
  tributary schema --proto > tributary.binpb")]
pub(crate) struct Args {
    /// The messages and services of tributary.v1 as a FileDescriptorSet, for programs that make their messages of it: nodes of
    /// your own, and clients
    #[arg(long)]
    proto: bool,
}

/// Prints it.
///
/// # Errors
/// Standard output cannot be written to.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if args.proto {
        let mut out = std::io::stdout().lock();
        out.write_all(tributary_proto::DESCRIPTORS)?;
        return Ok(out.flush()?);
    }
    out::json(&tributary_config::json_schema())
}
