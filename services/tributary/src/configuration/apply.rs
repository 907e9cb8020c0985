//! `apply`: a directory of documents becomes the configuration of a running mesh.
//!
//! What is shown is what is applied: the plan comes first, and the mesh refuses it where something else is in force by then.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use tonic::Status;
use tributary_config::{Config, Document};
use tributary_proto::v1::{self, config_service_client::ConfigServiceClient};

use super::{
    confirm, diagnostics, on_the_wire,
    outcome::{self, Asked},
    request, validate, wait,
};
use crate::{
    cli::{self, Globals},
    errors,
    mesh::{Authorized, Mesh, Place},
    out,
    read::Address,
    write_keys,
};

/// What to apply, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary apply deploy/example --dry-run
  tributary apply deploy/example --note \"points for reviews\"
  tributary apply deploy/example --prune          the directory is all there is to be

All documents or none become the configuration, as one revision. The command ends when every live stage runs it; with
exit code 1 where one does not, or lacks a secret. Before documents are deleted it is asked; where nobody can be asked
--yes has to be given. Write keys that the documents name and nobody has yet are made, where the mesh is one of
`tributary up` in this folder.")]
pub(crate) struct Args {
    /// The directory of documents.
    #[arg(value_name = "DIR", value_parser = cli::directory, required_unless_present = "file", conflicts_with = "file")]
    directory: Option<PathBuf>,
    /// The same.
    #[arg(short, long = "file", value_name = "DIR", value_parser = cli::directory)]
    file: Option<PathBuf>,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    /// Delete what is configured and not in the directory, of the tenants that it has documents of.
    #[arg(long)]
    prune: bool,
    /// Do not ask before something is deleted.
    #[arg(short, long)]
    yes: bool,
    /// How long to wait for the stages to run it; 0s does not wait.
    #[arg(long, default_value = "10s", value_parser = wait)]
    wait: Duration,
    /// Why, for the history; at most 512 bytes.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: Address,
}

/// Applies them.
///
/// # Errors
/// They are wrong; the mesh is not known, does not answer, refuses them, or does not run them everywhere.
pub(crate) async fn run(args: Args, globals: &Globals) -> anyhow::Result<()> {
    apply(&Mesh::find(globals)?, &args, globals).await
}

async fn apply(mesh: &Mesh, args: &Args, globals: &Globals) -> anyhow::Result<()> {
    let directory = args.directory.as_deref().or(args.file.as_deref());
    let directory = directory.context("no directory of documents was named")?;
    let (config, documents) = validate::load(directory).map_err(|errors| {
        validate::tell(directory, &errors, globals);
        validate::failure(directory, &errors)
    })?;
    validate::warn(&config);
    let documents = validate::configured(documents);
    let tenants: BTreeSet<&str> = documents.iter().map(|document| document.tenant.as_str()).collect();
    let keys = mesh.admin_keys_of(tenants)?;
    let (place, mut client) = mesh.configuration(args.address.url.as_deref(), &keys)?;
    let told = |status: Status| refusal(directory, &place, &status, globals);

    let wanted = v1::ApplyRequest {
        documents: documents.into_iter().map(on_wire).collect(),
        prune: args.prune,
        note: args.note.clone(),
        ..v1::ApplyRequest::default()
    };
    let plan = v1::ApplyRequest { dry_run: true, ..wanted.clone() };
    let plan = call(&mut client, plan, Duration::ZERO).await.map_err(&told)?;
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
    if let Some(folder) = mesh.own_folder(&place) {
        make_write_keys(folder, &config)?;
    }
    let apply = v1::ApplyRequest { base_revision: plan.revision, wait: on_the_wire(args.wait), ..wanted };
    let answer = call(&mut client, apply, args.wait).await.map_err(&told)?;
    outcome::show(&answer, &asked, globals.style())
}

async fn call(
    client: &mut ConfigServiceClient<Authorized>,
    message: v1::ApplyRequest,
    wait: Duration,
) -> Result<v1::ApplyResponse, Status> {
    Ok(client.apply(request(message, wait)).await?.into_inner())
}

/// What the mesh finds wrong is shown as if it had been found here.
fn refusal(directory: &Path, place: &Place, status: &Status, globals: &Globals) -> anyhow::Error {
    if errors::reason(status) == "REVISION_CHANGED" {
        return anyhow::anyhow!(
            "somebody else has configured the mesh meanwhile, and nothing was applied: apply again, and look at what \
             changes then"
        );
    }
    let Some(wrong) = diagnostics::of_status(status).filter(|wrong| !wrong.is_empty()) else {
        return errors::of_call(place, status);
    };
    for error in &wrong {
        out::note(format_args!("{}\n", diagnostics::one(directory, error, globals.error_style())));
    }
    anyhow::anyhow!("the mesh refuses it, and nothing was applied: {}", status.message())
}

/// Stages of this machine read them from a folder, and clients find them where they find everything.
fn make_write_keys(folder: &Path, config: &Config) -> anyhow::Result<()> {
    let made = write_keys::make_missing(folder, config.write_key_env())?;
    if !made.is_empty() {
        out::note(format_args!("made, and told clients in {}/env: {}", folder.display(), made.join(", ")));
    }
    Ok(())
}

fn on_wire(document: Document) -> v1::Document {
    let Document { tenant, kind, name, file, line, text } = document;
    v1::Document { tenant, kind, name, file, line, text }
}

#[cfg(test)]
mod tests;
