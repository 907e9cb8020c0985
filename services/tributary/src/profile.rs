//! Shows a profile of a running mesh.

use crate::mesh;
use anyhow::Context as _;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Map, Value, json};
use std::time::Duration;
use tonic::{Code, Request};
use tributary_proto::v1;
use tributary_proto::v1::profile_service_client::ProfileServiceClient;

/// Which profile, and how to show it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The profile's id.
    id: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// The address of the collector, which serves reads.
    #[arg(long, env = "TRIBUTARY_PROFILES_URL")]
    url: Option<String>,
}

/// Shows it.
///
/// # Errors
/// The mesh is not known or does not answer, or knows no such profile.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let url = mesh::look_up(args.url.as_deref(), "TRIBUTARY_PROFILES_URL", "the address of the mesh")?;
    let key = mesh::look_up(None, "TRIBUTARY_ADMIN_KEY", "the admin key")?;
    let mut client = ProfileServiceClient::new(mesh::channel(&url, &key)?);
    let mut request = Request::new(v1::GetProfileRequest { profile_id: args.id.clone() });
    request.set_timeout(Duration::from_secs(10));
    let answer = client.get_profile(request).await.map_err(|status| match status.code() {
        Code::NotFound => anyhow::anyhow!("there is no profile {}", args.id),
        Code::Unavailable => mesh::no_answer(&url, status.message()),
        _ => anyhow::anyhow!("{}", status.message()),
    })?;
    let profile = answer.into_inner().profile.context("the mesh answered without a profile")?;
    let fields = profile.fields.unwrap_or_default().to_object().context("the profile cannot be read")?;
    if args.json {
        let shown =
            json!({"id": profile.id, "tenant": profile.tenant, "version": profile.version, "fields": fields});
        println!("{}", serde_json::to_string_pretty(&shown)?);
    } else {
        println!("{}", table(&profile.id, &profile.version, &fields));
    }
    Ok(())
}

fn table(id: &str, version: &str, fields: &Map<String, Value>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.add_row(["id", id]).add_row(["version", version]);
    let mut rows = Vec::new();
    leaves("", fields, &mut rows);
    for (path, value) in rows {
        table.add_row([path, value]);
    }
    table
}

/// Objects are told leaf by leaf, as their dotted paths.
fn leaves(above: &str, fields: &Map<String, Value>, rows: &mut Vec<(String, String)>) {
    for (name, value) in fields {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match value {
            Value::Object(below) => leaves(&path, below, rows),
            Value::String(text) => rows.push((path, text.clone())),
            other => rows.push((path, other.to_string())),
        }
    }
}
