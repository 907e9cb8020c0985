//! `history`: the revisions of the configuration, newest first.

use std::time::Duration;

use serde_json::{Value, json};
use tributary_config::number_of;
use tributary_proto::v1::{self, config_service_client::ConfigServiceClient};

use super::{plan, request};
use crate::{
    cli::Globals,
    errors,
    mesh::{Authorized, Mesh, Place},
    out::{self, Table},
    read::{Address, time},
};

/// The most that one answer may hold.
const PAGE: u32 = 1000;

/// What to show of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary history
  tributary history 4                    what revision 4 changed, field by field
  tributary history --json | jq -r .revision")]
pub(crate) struct Args {
    /// A revision, or its number: shows what it changed.
    #[arg(value_name = "REVISION", value_parser = super::revision)]
    revision: Option<String>,
    /// The most revisions to show.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: Address,
}

/// Shows it.
///
/// # Errors
/// The mesh is not known or does not answer, or has no such revision.
pub(crate) async fn run(args: Args, globals: &Globals) -> anyhow::Result<()> {
    let mesh = Mesh::find(globals)?;
    let (place, client) = mesh.configuration(args.address.url.as_deref(), &mesh.admin_keys()?)?;
    if let Some(wanted) = &args.revision {
        let revision = find(client, &place, wanted).await?;
        if args.json {
            return out::json(&for_programs(&revision)?);
        }
        out::line(format_args!("revision {}, {}", revision.revision, time(revision.created.as_ref())))?;
        if !revision.note.is_empty() {
            out::line(out::short(&revision.note, usize::MAX))?;
        }
        return out::line(plan::text(&revision.changes, globals.style())?);
    }
    let revisions = read(client, &place, usize::try_from(args.limit)?).await?;
    if args.json {
        return revisions.iter().try_for_each(|revision| out::line(for_programs(revision)?));
    }
    if revisions.is_empty() {
        out::note("nothing was ever configured; `tributary apply DIR` does it");
        return Ok(());
    }
    let mut table = Table::with(["revision", "created", "changes", "note"]).cut(&[2, 3]);
    for revision in &revisions {
        table.row([
            revision.revision.clone(),
            time(revision.created.as_ref()),
            plan::in_short(&revision.changes),
            out::short(&revision.note, 80),
        ]);
    }
    out::line(table)
}

type Client = ConfigServiceClient<Authorized>;

async fn read(mut client: Client, place: &Place, limit: usize) -> anyhow::Result<Vec<v1::Revision>> {
    let mut revisions = Vec::new();
    let mut page_token = String::new();
    loop {
        let page_size = u32::try_from(limit - revisions.len()).map_or(PAGE, |left| left.min(PAGE));
        let page = page(&mut client, place, page_size, page_token).await?;
        revisions.extend(page.revisions);
        page_token = page.next_page_token;
        if page_token.is_empty() || revisions.len() >= limit {
            return Ok(revisions);
        }
    }
}

async fn find(mut client: Client, place: &Place, wanted: &str) -> anyhow::Result<v1::Revision> {
    let is_number = wanted.bytes().all(|byte| byte.is_ascii_digit());
    let mut page_token = String::new();
    loop {
        let page = page(&mut client, place, PAGE, page_token).await?;
        let of_number = |revision: &v1::Revision| number_of(&revision.revision) == number_of(wanted);
        if let Some(found) = page.revisions.into_iter().find(of_number) {
            let is_called = is_number || found.revision == wanted;
            anyhow::ensure!(
                is_called,
                "there is no revision {wanted}, but {}: see `tributary history`",
                found.revision
            );
            return Ok(found);
        }
        page_token = page.next_page_token;
        anyhow::ensure!(
            !page_token.is_empty(),
            "no revision {wanted} changed anything here: see `tributary history`"
        );
    }
}

async fn page(
    client: &mut Client,
    place: &Place,
    page_size: u32,
    page_token: String,
) -> anyhow::Result<v1::ListRevisionsResponse> {
    let message = v1::ListRevisionsRequest { page_size, page_token };
    let answer = client.list_revisions(request(message, Duration::ZERO)).await;
    Ok(answer.map_err(|status| errors::of_call(place, &status))?.into_inner())
}

fn for_programs(revision: &v1::Revision) -> anyhow::Result<Value> {
    Ok(json!({
        "revision": revision.revision,
        "created": time(revision.created.as_ref()),
        "note": revision.note,
        "changes": plan::for_programs(&revision.changes)?,
    }))
}
