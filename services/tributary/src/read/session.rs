//! `session`: a session as the mesh knows it now.

use anyhow::Context as _;
use tributary_proto::v1;

use super::{Address, request, shown};
use crate::{cli::Globals, errors, mesh::Mesh, out};

/// Which session, and how to show it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary session s-1
  tributary session s-1 --json | jq .profile_id")]
pub(crate) struct Args {
    /// The client's id of the session.
    id: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: Address,
}

/// Shows it.
///
/// # Errors
/// The mesh is not known or does not answer, or knows no such session.
pub(crate) async fn run(args: Args, globals: &Globals) -> anyhow::Result<()> {
    let (place, mut client) = Mesh::find(globals)?.profiles(args.address.url.as_deref())?;
    let message = v1::GetSessionRequest { session_id: args.id.clone() };
    let answer =
        client.get_session(request(message)).await.map_err(|status| match &*errors::reason(&status) {
            "SESSION_NOT_FOUND" => anyhow::anyhow!(
                "there is no session {} of this tenant: check the id, and --tenant where there are several",
                args.id
            ),
            _ => errors::of_call(&place, &status),
        })?;
    let session = answer.into_inner().session.context("the mesh answered without a session")?;
    if args.json { out::json(&shown::session(&session)?) } else { out::line(shown::session_text(&session)?) }
}
