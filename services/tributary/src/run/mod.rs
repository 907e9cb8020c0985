//! `run`: the workflows for one event, for real or only to see what they would do.

mod event;
mod shown;

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use clap::builder::NonEmptyStringValueParser;
use tokio::time::{Instant, sleep};
use tonic::{Request, Status};
use tributary_proto::v1::{self, RunState, workflow_service_client::WorkflowServiceClient};

use crate::{
    cli::{self, Globals},
    errors,
    mesh::{Authorized, Mesh},
    out,
};

/// What happened, to whom, and how to run it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary run purchase --profile 0001 --property value=30 --source cdnow --dry-run
  tributary run purchase --profile 0001 --properties '{\"value\": 30, \"cds\": 2}' --source cdnow
  tributary run purchase --profile 0001 --property value=30 --source cdnow --dry-run --workflow loyalty-points --json

Without --dry-run the event is recorded like any other, and the command waits until its workflows have run. With it
nothing is written. A property's value is read as JSON where it is JSON, else as text.")]
pub(crate) struct Args {
    /// The event's type, such as `purchase`.
    #[arg(value_name = "TYPE", value_parser = event::event_type)]
    event_type: String,
    /// Whom it is about.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    profile: String,
    /// One property; may be repeated, and wins over --properties.
    #[arg(long = "property", value_name = "NAME=VALUE", value_parser = event::property)]
    property: Vec<event::Property>,
    /// All properties, as a JSON object.
    #[arg(long, value_name = "JSON", value_parser = event::properties)]
    properties: Option<event::Properties>,
    /// The session, if any.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// The source to record it as; may be left out where the tenant has a single one.
    #[arg(long)]
    source: Option<String>,
    /// Write nothing; say what each workflow would do.
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: only this workflow.
    #[arg(long, requires = "dry_run", value_name = "NAME")]
    workflow: Option<String>,
    /// How long to wait for the workflows.
    #[arg(long, default_value = "10s", value_parser = cli::duration)]
    timeout: Duration,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// The address of the workflow stage.
    #[arg(long, env = "TRIBUTARY_WORKFLOW_URL", value_name = "URL")]
    url: Option<String>,
}

/// Runs it.
///
/// # Errors
/// The mesh is not known, does not answer, or refuses; or the workflows have not run.
pub(crate) async fn run(args: Args, globals: &Globals) -> anyhow::Result<()> {
    let mesh = Mesh::find(globals)?;
    let source = event::source(&mesh, args.source.clone()).await?;
    let (place, client) = mesh.workflows(args.url.as_deref())?;
    let message = v1::RunRequest {
        // Made before the first attempt, so that a repeat is the same call.
        request_id: tributary_servers::random_secret()?,
        source,
        event_type: args.event_type.clone(),
        properties: Some(event::merged(args.properties.as_ref(), &args.property)),
        profile_id: args.profile.clone(),
        session_id: args.session.clone().unwrap_or_default(),
        time: None,
        dry_run: args.dry_run,
        workflow: args.workflow.clone().unwrap_or_default(),
    };
    let answer =
        call(client, &message, args.timeout).await.map_err(|status| errors::of_call(&place, &status))?;
    if args.json {
        out::json(&shown::for_programs(&answer)?)?
    } else {
        shown::text(&answer, globals.style())?;
        shown::notes(&answer, globals.error_style());
    }
    match answer.state() {
        RunState::Dry | RunState::Handled => {
            let failed = answer.runs.iter().filter(|run| !run.failure.is_empty()).count();
            anyhow::ensure!(failed == 0, "{failed} of the workflows would fail");
            Ok(())
        }
        RunState::TimedOut => anyhow::bail!(
            "the event is recorded, and its workflows had not run within {}: they will; `tributary lag` says how far \
             behind they are",
            humantime::format_duration(args.timeout)
        ),
        RunState::Dead => anyhow::bail!(
            "the event is recorded, and running its workflows was given up on: see the dead letters"
        ),
        RunState::Unspecified => anyhow::bail!("the mesh has not said what became of the event"),
    }
}

/// Until answered, as long as there is time: with the same request id a repeat changes nothing.
async fn call(
    mut client: WorkflowServiceClient<Authorized>,
    message: &v1::RunRequest,
    timeout: Duration,
) -> Result<v1::RunResponse, Status> {
    let until = Instant::now() + timeout;
    let mut delays = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_jitter()
        .without_max_times()
        .build();
    loop {
        let mut request = Request::new(message.clone());
        request.set_timeout(until.saturating_duration_since(Instant::now()));
        let status = match client.run(request).await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(status) => status,
        };
        let delay = delays.next().unwrap_or(timeout).max(errors::retry_after(&status).unwrap_or_default());
        // A mesh that nobody started does not come up by asking again.
        let came_from_the_mesh = !errors::reason(&status).is_empty();
        if !(came_from_the_mesh && errors::is_worth_a_retry(&status)) || Instant::now() + delay >= until {
            return Err(status);
        }
        sleep(delay).await;
    }
}
