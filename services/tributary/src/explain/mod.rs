//! `explain`: what workflows did for an event, or would do for one; and what changed workflows would do for those that came.

mod compare;
mod shown;

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, builder::NonEmptyStringValueParser};
use tonic::Request;
use tributary_proto::v1;

use crate::{
    cli::{self, Globals, Usage},
    errors,
    mesh::Mesh,
    out,
    run::event,
    runs,
};

/// How long the mesh may think.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which event, or which workflows.
#[derive(Debug, clap::Args)]
#[command(
    group(ArgGroup::new("what").args(["event_id", "event_type", "workflow"]).required(true).multiple(true)),
    after_help = "Examples:
  tributary explain order-7 --profile 0001           what took place, while that is kept; else what would happen now
  tributary explain --type purchase --profile 0001 --property value=600
  tributary explain --type purchase --source cdnow --profile-json '{\"purchases\": {\"count\": 2}}'
  tributary explain -f deploy/example --type purchase --limit 500     what these workflows would do for stored events

Nothing is written, and nothing is called: --answers says what calls are answered."
)]
pub(crate) struct Args {
    /// A stored event; with --profile it is found faster.
    #[arg(value_name = "EVENT_ID", value_parser = NonEmptyStringValueParser::new())]
    event_id: Option<String>,
    /// An event that is not stored: its type. With -f: the type of the stored events.
    #[arg(long = "type", value_name = "TYPE", value_parser = event::event_type)]
    event_type: Option<String>,
    #[command(flatten)]
    event: event::Described,
    /// A directory of documents: its workflows are compared with those of the revision in force.
    #[arg(short = 'f', value_name = "DIR", value_parser = cli::directory)]
    directory: Option<PathBuf>,
    /// With -f: the most stored events to look at, the newest ones.
    #[arg(long, default_value_t = 200, requires = "directory", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// How to print it.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Output,
    /// Print one JSON object; the same as --output json.
    #[arg(long)]
    json: bool,
    /// The address of the workflow stage.
    #[arg(long, env = "TRIBUTARY_WORKFLOW_URL", value_name = "URL")]
    url: Option<String>,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

impl Args {
    fn for_programs(&self) -> bool {
        self.json || self.output == Output::Json
    }

    /// What the parts of the command line ask of each other.
    fn check(&self) -> Result<(), Usage> {
        let wrong = |reason: &str| Err(Usage(reason.to_owned()));
        if self.directory.is_some() {
            if self.event_id.is_some() || self.event_type.is_none() {
                return wrong(
                    "-f looks at the stored events of a type: name it with --type, and no single event",
                );
            }
            if self.event.says_more_than_workflow_and_profile() {
                return wrong(
                    "-f looks at stored events as they are: only --type, --profile, --workflow and --limit choose",
                );
            }
            return Ok(());
        }
        if self.event_id.is_some() {
            if self.event_type.is_some() || self.event.is_something() {
                return wrong(
                    "a stored event is explained as it is; `tributary run --event-id ID --dry-run` changes it",
                );
            }
            return Ok(());
        }
        if self.event.profile.is_none() && self.event.profile_json.is_none() {
            return wrong("say whom it is about: --profile ID");
        }
        Ok(())
    }
}

/// Explains it.
///
/// # Errors
/// The command line makes no sense; the mesh is not known, does not answer, or refuses; or a document is wrong.
pub(crate) async fn run(args: Args, globals: &Globals) -> anyhow::Result<()> {
    args.check()?;
    let mesh = Mesh::find(globals)?;
    if let (Some(directory), Some(event_type)) = (&args.directory, &args.event_type) {
        let asked = compare::Asked {
            directory,
            event_type,
            workflow: args.event.workflow.as_deref(),
            profile: args.event.profile.as_deref(),
            limit: args.limit,
        };
        return compare::run(&mesh, &asked, args.for_programs(), globals).await;
    }
    let (place, mut client) = mesh.workflows(args.url.as_deref())?;
    let mut request = Request::new(asked(&args, &mesh).await?);
    request.set_timeout(PATIENCE);
    let answer =
        client.explain(request).await.map_err(|status| errors::of_call(&place, &status))?.into_inner();
    if args.for_programs() {
        return out::json(&shown::for_programs(&answer, args.event_id.as_deref())?);
    }
    out::line(shown::text(&answer, args.event_id.as_deref(), globals.style())?)?;
    runs::notes(&answer.warnings, globals.error_style());
    Ok(())
}

async fn asked(args: &Args, mesh: &Mesh) -> anyhow::Result<v1::ExplainRequest> {
    if let Some(event_id) = &args.event_id {
        let profile_id = args.event.profile.clone().unwrap_or_default();
        return Ok(v1::ExplainRequest { event_id: event_id.clone(), profile_id, run: None });
    }
    let event_type = args.event_type.as_deref().unwrap_or_default();
    let run = args.event.request(mesh, event_type, "").await?;
    let run = v1::RunRequest { dry_run: true, ..run };
    Ok(v1::ExplainRequest { run: Some(run), ..v1::ExplainRequest::default() })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn checked(line: &str) -> Result<Args, String> {
        let words = ["explain"].into_iter().chain(line.split(' ').filter(|word| !word.is_empty()));
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        line.args.check().map_err(|usage| usage.to_string()).map(|()| line.args)
    }

    #[test]
    fn an_event_is_stored_or_described_or_many_are_looked_at() {
        for line in [
            "e-1",
            "e-1 --profile 1",
            "--type purchase --profile 1 --property value=3",
            "--type purchase --profile-json {} --answers file",
            "--workflow welcome --profile 1",
            "-f deploy --type purchase --workflow w --profile 1 --limit 10",
        ] {
            assert!(checked(line).is_ok(), "{line}: {:?}", checked(line).err());
        }
        for (line, reason) in [
            ("", "required"),
            ("--type purchase", "say whom it is about"),
            ("e-1 --property a=1", "is explained as it is"),
            ("e-1 --type purchase", "is explained as it is"),
            ("-f deploy e-1", "name it with --type"),
            ("-f deploy --type purchase --property a=1", "looks at stored events as they are"),
            ("--type purchase --profile 1 --limit 3", "required"),
        ] {
            let said = checked(line).err().unwrap_or_else(|| panic!("{line} is understood"));
            assert!(said.contains(reason), "{line}: {said}");
        }
    }

    #[test]
    fn both_ways_to_ask_for_json_are_understood() {
        assert!(checked("e-1 --json").unwrap().for_programs());
        assert!(checked("e-1 --output json").unwrap().for_programs());
        assert!(!checked("e-1").unwrap().for_programs());
    }

    #[tokio::test]
    async fn a_described_event_is_a_dry_run_and_a_stored_one_is_named() {
        let mesh = Mesh::default();
        let args = checked("--type purchase --profile 1 --source cdnow").unwrap();
        let run = asked(&args, &mesh).await.unwrap().run.unwrap();
        assert!(run.dry_run && run.event_type == "purchase" && run.source == "cdnow");
        let request = asked(&checked("e-1 --profile 1").unwrap(), &mesh).await.unwrap();
        assert_eq!((&*request.event_id, &*request.profile_id, request.run), ("e-1", "1", None));
    }
}
