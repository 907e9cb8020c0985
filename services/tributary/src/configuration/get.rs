//! `get`: what is configured now, or was in a revision.

use anyhow::Context as _;
use serde_json::{Value, json};
use tributary_proto::v1;

use super::request;
use crate::{
    cli::Globals,
    errors,
    mesh::Mesh,
    out::{self, Table},
    read::Address,
};
use std::time::Duration;

/// What to show.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary get                          all documents
  tributary get mapping                  those of a kind
  tributary get mapping purchase         one, as it was written
  tributary get mapping purchase --revision 3")]
pub(crate) struct Args {
    /// What sort of document, such as `mapping`.
    kind: Option<String>,
    /// Its name.
    #[arg(requires = "kind")]
    name: Option<String>,
    /// A revision, or its number; else the one in force.
    #[arg(long, value_name = "REVISION")]
    revision: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: Address,
}

/// Shows it.
///
/// # Errors
/// The mesh is not known or does not answer, or has no such document or revision.
pub(crate) async fn run(args: Args, globals: &Globals) -> anyhow::Result<()> {
    let kind = args.kind.as_deref().map(as_written).unwrap_or_default();
    match &args.name {
        Some(name) => one(&args, globals, kind, name).await,
        None => list(&args, globals, kind).await,
    }
}

async fn one(args: &Args, globals: &Globals, kind: String, name: &str) -> anyhow::Result<()> {
    let mesh = Mesh::find(globals)?;
    let (url, mut client) = mesh.configuration(args.address.url.as_deref(), &[mesh.admin_key()?])?;
    let message = v1::ConfigServiceGetRequest {
        kind,
        name: name.to_owned(),
        revision: args.revision.clone().unwrap_or_default(),
    };
    let answer = client.get(request(message, Duration::ZERO)).await;
    let answer = answer.map_err(|status| match &*errors::reason(&status) {
        "DOCUMENT_NOT_FOUND" => {
            anyhow::anyhow!("{}; `tributary get` lists what there is", status.message())
        }
        _ => errors::of_call(&url, &status),
    });
    let answer = answer?.into_inner();
    let document = answer.document.context("the mesh answered without a document")?;
    if args.json {
        let mut shown = for_programs(&document);
        shown["revision"] = answer.revision.into();
        return out::json(&shown);
    }
    out::line(document.text.trim_end())
}

async fn list(args: &Args, globals: &Globals, kind: String) -> anyhow::Result<()> {
    let mesh = Mesh::find(globals)?;
    let (url, mut client) = mesh.configuration(args.address.url.as_deref(), &mesh.admin_keys()?)?;
    let message = v1::ConfigServiceListRequest { kind, revision: args.revision.clone().unwrap_or_default() };
    let answer = client.list(request(message, Duration::ZERO)).await;
    let answer = answer.map_err(|status| errors::of_call(&url, &status))?.into_inner();
    if args.json {
        let documents: Vec<Value> = answer.documents.iter().map(for_programs).collect();
        return out::json(&json!({
            "revision": answer.revision,
            "documents": documents,
            "stages": super::stages::for_programs(&answer.stages),
        }));
    }
    if answer.documents.is_empty() {
        out::note("no such documents are configured; `tributary apply -f DIR` configures them");
        return Ok(());
    }
    let mut table = Table::with(["tenant", "kind", "name", "from"]);
    for document in answer.documents {
        let from = format!("{}:{}", document.file, document.line);
        table.row([document.tenant, document.kind, document.name, from]);
    }
    out::line(table)?;
    out::note(format_args!("revision {}", answer.revision));
    Ok(())
}

fn for_programs(document: &v1::Document) -> Value {
    json!({
        "tenant": document.tenant,
        "kind": document.kind,
        "name": document.name,
        "file": document.file,
        "line": document.line,
        "text": document.text,
    })
}

/// Kinds begin with a capital, which nobody types.
fn as_written(kind: &str) -> String {
    let mut letters = kind.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters.map(|letter| letter.to_ascii_lowercase())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_can_be_typed_in_lower_case() {
        assert_eq!(as_written("mapping"), "Mapping");
        assert_eq!(as_written("Workflow"), "Workflow");
        assert_eq!(as_written(""), "");
    }
}
