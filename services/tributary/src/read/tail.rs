//! `tail`: events, profiles and sessions as they come.

use clap::builder::NonEmptyStringValueParser;
use serde_json::{Value, json};
use tonic::{Status, Streaming};
use tributary_proto::v1;

use super::{
    Address,
    events::marks,
    follow::{Follow, Notice},
    shown, until_interrupted,
};
use crate::{
    cli::{Globals, Usage},
    mesh::Mesh,
    out::{self, Style},
};

/// Room for a document in a line.
const DOCUMENT: usize = 100;

/// What to watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Events as they are accepted.
    Events,
    /// Profiles as they are published, about once a second.
    Profiles,
    /// Sessions as they are published, about once a second.
    Sessions,
}

/// What to watch, and how to show it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary tail                                     all events, from now on
  tributary tail --type purchase --profile 0001
  tributary tail profiles --json | jq -c .profile.fields
  tributary tail --resume TOKEN                      from where an earlier tail ended

Ctrl-C ends it, and says the token to go on from. With --json every line has its token. What is shown is delivered
at least once: after a lost connection a line may come again, none is left out.")]
pub(crate) struct Args {
    /// What to watch.
    #[arg(value_enum, default_value_t = What::Events)]
    what: What,
    /// Only events of this type; may be repeated.
    #[arg(long = "type", value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    types: Vec<String>,
    /// Only what is about this profile.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    profile: Option<String>,
    /// Only this session.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    session: Option<String>,
    /// Print one JSON object a line, with the token to go on from.
    #[arg(long)]
    json: bool,
    /// Go on from here instead of from now on.
    #[arg(long, value_name = "TOKEN", value_parser = NonEmptyStringValueParser::new())]
    resume: Option<String>,
    #[command(flatten)]
    address: Address,
}

/// Shows them until Ctrl-C.
///
/// # Errors
/// Filters that do not fit what is watched, or the mesh is not known, does not answer, or refuses.
pub(crate) async fn run(args: Args, globals: &Globals) -> anyhow::Result<()> {
    check(&args)?;
    let (place, mut client) = Mesh::find(globals)?.profiles(args.address.url.as_deref())?;
    let (style, json) = (globals.style(), args.json);
    let token = args.resume.unwrap_or_default();
    if out::is_terminal() {
        out::note("waiting for what comes; Ctrl-C ends it");
        if !json {
            out::note(style.dim(args.what.heading()));
        }
    }
    let profile_id = args.profile.unwrap_or_default();
    match args.what {
        What::Events => {
            let open = async |resume_token: String| {
                let (types, profile_id) = (args.types.clone(), profile_id.clone());
                let request = v1::WatchEventsRequest { resume_token, types, profile_id };
                Ok(client.watch_events(request).await?.into_inner())
            };
            tail(Follow::new(&place, token, open), async |notice: v1::WatchEventsResponse| {
                let Some(event) = &notice.event else { return Ok(()) };
                if json {
                    return out::line(
                        json!({"event": shown::event(event)?, "resume_token": notice.resume_token}),
                    );
                }
                out::line(event_line(event, style)?)
            })
            .await
        }
        What::Profiles => {
            let open = async |resume_token: String| {
                let request = v1::WatchProfilesRequest { resume_token, profile_id: profile_id.clone() };
                Ok(client.watch_profiles(request).await?.into_inner())
            };
            tail(Follow::new(&place, token, open), async |notice: v1::WatchProfilesResponse| {
                let Some(profile) = &notice.profile else { return Ok(()) };
                let document = shown::profile(profile)?;
                if json {
                    return out::line(json!({"profile": document, "resume_token": notice.resume_token}));
                }
                out::line(entry_line(&profile.version, &profile.id, &document["fields"], style))
            })
            .await
        }
        What::Sessions => {
            let session_id = args.session.unwrap_or_default();
            let open = async |resume_token: String| {
                let request = v1::WatchSessionsRequest { resume_token, session_id: session_id.clone() };
                Ok(client.watch_sessions(request).await?.into_inner())
            };
            tail(Follow::new(&place, token, open), async |notice: v1::WatchSessionsResponse| {
                let Some(session) = &notice.session else { return Ok(()) };
                let document = shown::session(session)?;
                if json {
                    return out::line(json!({"session": document, "resume_token": notice.resume_token}));
                }
                out::line(entry_line(&session.version, &session.id, &document["fields"], style))
            })
            .await
        }
    }
}

impl What {
    /// Above the lines, on a terminal.
    fn heading(self) -> String {
        match self {
            What::Events => {
                format!("{:<27}  {:<16}  {:<12}  {:<32}  PROPERTIES", "TIME", "TYPE", "PROFILE", "ID")
            }
            What::Profiles | What::Sessions => format!("{:<26}  {:<12}  FIELDS", "VERSION", "ID"),
        }
    }
}

fn check(args: &Args) -> anyhow::Result<()> {
    let wrong = if !args.types.is_empty() && args.what != What::Events {
        "--type is for `tail events`"
    } else if args.profile.is_some() && args.what == What::Sessions {
        "--profile is for `tail events` and `tail profiles`"
    } else if args.session.is_some() && args.what != What::Sessions {
        "--session is for `tail sessions`"
    } else {
        return Ok(());
    };
    Err(Usage(wrong.to_owned()).into())
}

/// Until Ctrl-C, which leaves a token to go on from.
async fn tail<N: Notice>(
    mut follow: Follow<'_, impl AsyncFnMut(String) -> Result<Streaming<N>, Status>>,
    each: impl AsyncFnMut(N) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    until_interrupted(follow.run(each)).await?;
    match follow.token() {
        "" => out::note("nothing came, and the mesh has not said yet how to go on from here"),
        token => out::note(format_args!("go on from here with --resume {token}")),
    }
    Ok(())
}

fn event_line(event: &v1::Event, style: Style) -> anyhow::Result<String> {
    let properties = Value::Object(shown::fields(event.properties.as_ref())?).to_string();
    let head = [
        style.dim(format_args!("{:<27}", shown::time(event.time.as_ref()))),
        style.bold(format_args!("{:<16}", out::short(&event.r#type, 64))),
        format!("{:<12}", out::short(&event.profile_id, 128)),
        out::short(&event.id, 128),
    ]
    .join("  ");
    let marks = match marks(event) {
        marks if marks.is_empty() => String::new(),
        marks => format!("  {}", style.yellow(out::short(&marks, DOCUMENT))),
    };
    Ok(format!("{head}  {}{marks}", out::short(&properties, DOCUMENT)))
}

fn entry_line(version: &str, id: &str, fields: &Value, style: Style) -> String {
    let document = out::short(&fields.to_string(), DOCUMENT);
    format!("{}  {}  {document}", style.dim(version), style.bold(format_args!("{:<12}", out::short(id, 128))))
}
