//! `get`: what is configured now, or was in a revision.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tributary_proto::v1;

use super::{kind, refused, request};
use crate::{
    cli::Globals,
    errors,
    mesh::Mesh,
    out::{self, Table},
    read::Address,
};

/// What to show.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary get                          all documents
  tributary get mapping                  those of a kind
  tributary get mapping purchase         one, as it was written
  tributary get mapping purchase --revision 3")]
pub(crate) struct Args {
    /// What sort of document.
    #[arg(value_parser = kind::parser(), ignore_case = true)]
    kind: Option<String>,
    /// Its name.
    #[arg(requires = "kind")]
    name: Option<String>,
    /// A revision, or its number; else the one in force.
    #[arg(long, value_name = "REVISION", value_parser = super::revision)]
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
    let kind = args.kind.clone().unwrap_or_default();
    match &args.name {
        Some(name) => one(&args, globals, kind, name).await,
        None => list(&args, globals, kind).await,
    }
}

async fn one(args: &Args, globals: &Globals, kind: String, name: &str) -> anyhow::Result<()> {
    let mesh = Mesh::find(globals)?;
    let (place, mut client) = mesh.configuration(args.address.url.as_deref(), &[mesh.admin_key()?])?;
    let message = v1::ConfigServiceGetRequest {
        kind: kind.clone(),
        name: name.to_owned(),
        revision: args.revision.clone().unwrap_or_default(),
    };
    let answer = client.get(request(message, Duration::ZERO)).await;
    let answer = match answer {
        Ok(answer) => answer.into_inner(),
        Err(status) if errors::reason(&status) == "DOCUMENT_NOT_FOUND" => {
            let message = v1::ConfigServiceListRequest {
                kind: kind.clone(),
                revision: args.revision.clone().unwrap_or_default(),
            };
            let others = client.list(request(message, Duration::ZERO)).await;
            let others = others.map_err(|status| refused(&place, &status))?.into_inner().documents;
            return Err(no_such(&kind, name, &others));
        }
        Err(status) => return Err(refused(&place, &status)),
    };
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
    let (place, mut client) = mesh.configuration(args.address.url.as_deref(), &mesh.admin_keys()?)?;
    let asked = kind.clone();
    let message = v1::ConfigServiceListRequest { kind, revision: args.revision.clone().unwrap_or_default() };
    let answer = client.list(request(message, Duration::ZERO)).await;
    let answer = answer.map_err(|status| refused(&place, &status))?.into_inner();
    if args.json {
        let documents: Vec<Value> = answer.documents.iter().map(for_programs).collect();
        return out::json(&json!({
            "revision": answer.revision,
            "documents": documents,
            "stages": super::stages::for_programs(&answer.stages),
        }));
    }
    if answer.documents.is_empty() {
        out::note(format_args!(
            "no {} are configured; `tributary apply DIR` configures them",
            kind::many(&asked)
        ));
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

fn no_such(kind: &str, name: &str, others: &[v1::Document]) -> anyhow::Error {
    let names = others.iter().map(|document| &*document.name);
    let meant = out::did_you_mean(name, names);
    anyhow::anyhow!(
        "there is no {kind} {name}{meant}{}",
        match &*meant {
            "" => format!("; `tributary get {}` lists those there are", kind.to_lowercase()),
            _ => String::new(),
        }
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_told_with_the_one_that_was_meant() {
        let others = [v1::Document { name: "purchase".into(), ..v1::Document::default() }];
        let said = no_such("Mapping", "purchas", &others).to_string();
        assert_eq!(said, "there is no Mapping purchas; did you mean `purchase`?");
        assert!(no_such("Mapping", "x", &others).to_string().contains("`tributary get mapping` lists"));
    }
}
