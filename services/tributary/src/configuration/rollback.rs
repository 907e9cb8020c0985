//! `rollback`: an earlier revision's documents, as a new revision.

use std::time::Duration;

use anyhow::Context as _;
use tonic::Status;
use tributary_proto::v1::{self, config_service_client::ConfigServiceClient};

use super::{
    confirm, on_the_wire,
    outcome::{self, Asked},
    refused, request, wait,
};
use crate::{
    cli::Globals,
    errors,
    mesh::{Authorized, Mesh},
    read::Address,
};

/// To which revision, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary history                      which revisions there are
  tributary rollback 3 --dry-run         what going back to revision 3 would change
  tributary rollback 3 --note \"points were wrong\"

The history stays: going back makes a new revision. Documents that did not exist then are deleted: it is asked before,
and where nobody can be asked --yes has to be given.")]
pub(crate) struct Args {
    /// A revision, or its number.
    #[arg(value_parser = super::revision)]
    revision: String,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before something is deleted.
    #[arg(short, long)]
    yes: bool,
    /// How long to wait for the stages to run it; 0s does not wait.
    #[arg(long, default_value = "10s", value_parser = wait)]
    wait: Duration,
    /// Why, for the history; at most 512 bytes. Else it says which revision it goes back to.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
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
    let (place, mut client) = mesh.configuration(args.address.url.as_deref(), &mesh.admin_keys()?)?;
    let wanted = v1::RollbackRequest {
        revision: args.revision.clone(),
        note: args.note.clone(),
        ..v1::RollbackRequest::default()
    };
    let plan = v1::RollbackRequest { dry_run: true, ..wanted.clone() };
    let plan = call(&mut client, plan, Duration::ZERO).await.map_err(|status| refused(&place, &status))?;
    let plan = plan.applied.context("the mesh answered without saying what it would do")?;
    let mut asked = Asked {
        dry_run: args.dry_run,
        json: args.json,
        wait: args.wait,
        shown: false,
        secrets: mesh.own_secrets(&place),
    };
    if args.dry_run {
        return outcome::show(&plan, &asked, globals.style());
    }
    if !args.json {
        outcome::changes(&plan, globals.style())?;
        asked.shown = true;
    }
    if !args.yes && outcome::deletes(&plan) {
        confirm::deletion(args.json).await?;
    }
    let back = v1::RollbackRequest { base_revision: plan.revision, wait: on_the_wire(args.wait), ..wanted };
    let answer = call(&mut client, back, args.wait).await.map_err(|status| match &*errors::reason(&status) {
        "REVISION_CHANGED" => anyhow::anyhow!(
            "somebody else has configured the mesh meanwhile, and nothing was changed: look at what going back means now"
        ),
        _ => refused(&place, &status),
    })?;
    let applied = answer.applied.context("the mesh answered without saying what it did")?;
    outcome::show(&applied, &asked, globals.style())
}

async fn call(
    client: &mut ConfigServiceClient<Authorized>,
    message: v1::RollbackRequest,
    wait: Duration,
) -> Result<v1::RollbackResponse, Status> {
    Ok(client.rollback(request(message, wait)).await?.into_inner())
}
