//! `events`: what happened to a profile, newest first.

use clap::builder::NonEmptyStringValueParser;
use tributary_proto::v1::{self, profile_service_client::ProfileServiceClient};

use super::{Address, request, shown};
use crate::{
    cli::Globals,
    errors,
    mesh::{Authorized, Mesh, Place},
    out::{self, Table},
};

/// The most that one answer may hold.
const PAGE: u32 = 1000;
/// Room for properties where no terminal says how wide it is.
const PROPERTIES: usize = 60;

/// Whose events, and which.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary events 0001
  tributary events 0001 --type purchase --limit 5
  tributary events 0001 --json | jq -r .id

An event is listed once it is stored, about a second after it was accepted.")]
pub(crate) struct Args {
    /// The profile at which they were accepted.
    profile: String,
    /// Only events of this type; may be repeated.
    #[arg(long = "type", value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    types: Vec<String>,
    /// The most events to show.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: Address,
}

/// Shows them.
///
/// # Errors
/// The mesh is not known or does not answer.
pub(crate) async fn run(args: Args, globals: &Globals) -> anyhow::Result<()> {
    let (place, client) = Mesh::find(globals)?.profiles(args.address.url.as_deref())?;
    let events = read(client, &place, &args).await?;
    if args.json {
        return events.iter().try_for_each(|event| out::line(shown::event(event)?));
    }
    if events.is_empty() {
        out::note(format_args!("no such events of profile {} are stored", args.profile));
        return Ok(());
    }
    out::line(table(&events)?)
}

/// Pages until enough are found.
async fn read(
    mut client: ProfileServiceClient<Authorized>,
    place: &Place,
    args: &Args,
) -> anyhow::Result<Vec<v1::Event>> {
    let limit = usize::try_from(args.limit)?;
    let mut events = Vec::new();
    let mut page_token = String::new();
    loop {
        // With a filter a page may hold none that is wanted, so pages are large then.
        let page_size = if args.types.is_empty() { args.limit.min(PAGE) } else { PAGE };
        let message = v1::ListEventsRequest {
            profile_id: args.profile.clone(),
            page_size,
            page_token,
            ..v1::ListEventsRequest::default()
        };
        let answer = client.list_events(request(message)).await;
        let page = answer.map_err(|status| errors::of_call(place, &status))?.into_inner();
        let wanted = page.events.into_iter().filter(|event| is_wanted(&args.types, event));
        events.extend(wanted.take(limit - events.len()));
        page_token = page.next_page_token;
        if page_token.is_empty() || events.len() == limit {
            return Ok(events);
        }
    }
}

fn is_wanted(types: &[String], event: &v1::Event) -> bool {
    types.is_empty() || types.contains(&event.r#type)
}

fn table(events: &[v1::Event]) -> anyhow::Result<Table> {
    let mut table = Table::with(["time", "type", "id", "source", "properties", ""]).cut(&[4, 5]);
    for event in events {
        let properties = serde_json::Value::Object(shown::fields(event.properties.as_ref())?).to_string();
        table.row([
            shown::time(event.time.as_ref()),
            event.r#type.clone(),
            event.id.clone(),
            event.source.clone(),
            out::short(&properties, PROPERTIES),
            marks(event),
        ]);
    }
    Ok(table)
}

/// What is special about an event, in a few words.
pub(super) fn marks(event: &v1::Event) -> String {
    let mut marks = Vec::new();
    if event.invalid {
        marks.push("invalid".to_owned());
    }
    if event.historical {
        marks.push("historical".to_owned());
    }
    if event.derivation.is_some() {
        marks.push("derived".to_owned());
    }
    marks.extend(event.problems.iter().map(|problem| format!("{}: {}", problem.path, problem.reason)));
    marks.join(", ")
}
