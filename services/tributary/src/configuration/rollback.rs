//! `rollback`: an earlier revision's documents, as a new revision.

use std::time::Duration;

use anyhow::Context as _;
use tributary_proto::v1;

use super::{
    on_the_wire,
    outcome::{self, Asked},
    request, wait,
};
use crate::{cli::Globals, errors, mesh::Mesh, read::Address};

/// To which revision, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary history                      which revisions there are
  tributary rollback 3 --dry-run         what going back to revision 3 would change
  tributary rollback 3

The history stays: going back makes a new revision. Documents that did not exist then are deleted.")]
pub(crate) struct Args {
    /// A revision, or its number.
    revision: String,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    /// How long to wait for the stages to run it; 0s does not wait.
    #[arg(long, default_value = "10s", value_parser = wait)]
    wait: Duration,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: Address,
}

/// Goes back.
///
/// # Errors
/// The mesh is not known, does not answer, has no such revision, or does not run it everywhere.
pub(crate) async fn run(args: Args, globals: &Globals) -> anyhow::Result<()> {
    let mesh = Mesh::find(globals)?;
    let (url, mut client) = mesh.configuration(args.address.url.as_deref(), &mesh.admin_keys()?)?;
    let (dry_run, wait) = (args.dry_run, on_the_wire(args.wait));
    let message = v1::RollbackRequest { revision: args.revision, dry_run, wait };
    let answer = client.rollback(request(message, args.wait)).await;
    let answer = answer.map_err(|status| errors::of_call(&url, &status))?.into_inner();
    let applied = answer.applied.context("the mesh answered without saying what it did")?;
    let asked =
        Asked { dry_run, json: args.json, wait: args.wait, shown: false, secrets: mesh.own_secrets(&url) };
    outcome::show(&applied, &asked, globals.style())
}
