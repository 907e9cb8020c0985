//! `run`: the workflows for one event, for real or only to see what they would do.

pub(crate) mod event;
mod shown;

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use clap::{ArgGroup, builder::NonEmptyStringValueParser};
use tokio::time::{Instant, sleep};
use tonic::{Request, Status};
use tributary_proto::v1::{self, RunState, workflow_service_client::WorkflowServiceClient};

use crate::{
    cli::{self, Globals, Usage},
    errors,
    mesh::{Authorized, Mesh},
    out, runs,
};

/// What happened, to whom, and how to run it.
#[derive(Debug, clap::Args)]
#[command(
    group(ArgGroup::new("what").args(["event_type", "event_id", "workflow"]).required(true).multiple(true)),
    after_help = "Examples:
  tributary run purchase --profile 0001 --property value=30 --source cdnow --dry-run
  tributary run purchase --profile 0001 --properties '{\"value\": 30, \"cds\": 2}' --source cdnow
  tributary run purchase --source cdnow --property value=30 --dry-run --profile-json '{\"purchases\": {\"count\": 2}}'
  tributary run --event-id order-7 --workflow loyalty-points    a stored event again, as a new one
  tributary run --workflow welcome --profile 0001 --source cdnow

Without --dry-run the event is recorded like any other, and the command waits until its workflows have run. With it
nothing is written and nothing is called. A property's value is read as JSON where it is JSON, else as text."
)]
pub(crate) struct Args {
    /// The event's type, such as `purchase`; may be left out with --event-id or --workflow.
    #[arg(value_name = "TYPE", value_parser = event::event_type)]
    event_type: Option<String>,
    /// A stored event, to be run again as a new one: it says what is not said anew.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    event_id: Option<String>,
    #[command(flatten)]
    event: event::Described,
    /// The id of the call, made before the first attempt; left out: a new one. The same call again, with the same id, records
    /// nothing new, and is answered what became of the event.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    request_id: Option<String>,
    /// Write nothing and call nothing; say what each workflow would do.
    #[arg(long)]
    dry_run: bool,
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

impl Args {
    /// What the parts of the command line ask of each other.
    fn check(&self) -> Result<(), Usage> {
        let (event, for_dry_runs) =
            (&self.event, self.event.profile_json.is_some() || self.event.answers.is_some());
        if for_dry_runs && !self.dry_run {
            return Err(Usage(
                "--profile-json and --answers need --dry-run: what is recorded meets what is stored".into(),
            ));
        }
        if event.profile.is_none() && event.profile_json.is_none() && self.event_id.is_none() {
            return Err(Usage("say whom it is about: --profile ID".into()));
        }
        Ok(())
    }
}

/// Runs it.
///
/// # Errors
/// The command line makes no sense; the mesh is not known, does not answer, or refuses; or the workflows have not run.
pub(crate) async fn run(args: Args, globals: &Globals) -> anyhow::Result<()> {
    args.check()?;
    let mesh = Mesh::find(globals)?;
    let (place, client) = mesh.workflows(args.url.as_deref())?;
    let event_type = args.event_type.as_deref().unwrap_or_default();
    let event_id = args.event_id.as_deref().unwrap_or_default();
    let message = v1::RunRequest {
        // Made before the first attempt, so that a repeat is the same call.
        request_id: args.request_id.clone().map_or_else(tributary_servers::random_secret, Ok)?,
        dry_run: args.dry_run,
        ..args.event.request(&mesh, event_type, event_id).await?
    };
    let answer = call(client, &message, args.timeout).await.map_err(|status| {
        let told = errors::of_call(&place, &status);
        match again(&args, &message, &status) {
            Some(again) => anyhow::anyhow!("{told}\n  {again}"),
            None => told,
        }
    })?;
    if args.json {
        out::json(&shown::for_programs(&answer)?)?
    } else {
        shown::text(&answer, globals.style())?;
        runs::notes(&answer.warnings, globals.error_style());
    }
    match answer.state() {
        RunState::Dry | RunState::Handled => {
            let failed = answer.runs.iter().filter(|run| !run.failure.is_empty()).count();
            let failed_how = if answer.state() == RunState::Dry { "would fail" } else { "failed" };
            anyhow::ensure!(failed == 0, "{failed} of the workflows {failed_how}");
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

/// How the call that may have recorded the event is repeated.
fn again(args: &Args, message: &v1::RunRequest, status: &Status) -> Option<String> {
    let may_be_recorded = !args.dry_run && errors::is_worth_a_retry(status);
    may_be_recorded
        .then(|| format!("the same call again, which counts once: --request-id {}", message.request_id))
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn checked(line: &str) -> Result<(), String> {
        let words = ["run"].into_iter().chain(line.split(' ').filter(|word| !word.is_empty()));
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        line.args.check().map_err(|usage| usage.to_string())
    }

    #[test]
    fn a_call_that_may_have_recorded_the_event_is_told_with_its_id() {
        let args = |line: &str| Line::try_parse_from(line.split(' ')).unwrap().args;
        let message = v1::RunRequest { request_id: "call-1".into(), ..v1::RunRequest::default() };
        let late = Status::deadline_exceeded("late");
        let real = args("run buy --profile 1 --request-id call-1");
        assert_eq!(real.request_id.as_deref(), Some("call-1"));
        assert!(again(&real, &message, &late).unwrap().ends_with("--request-id call-1"));
        assert_eq!(again(&real, &message, &Status::not_found("no such source")), None);
        assert_eq!(again(&args("run buy --profile 1 --dry-run"), &message, &late), None);
    }

    #[test]
    fn an_event_is_described_or_stored_or_a_workflow_is_named() {
        for line in [
            "purchase --profile 1",
            "--event-id e-1",
            "--workflow welcome --profile 1",
            "purchase --profile-json {} --dry-run",
            "--event-id e-1 --workflow welcome --answers file --dry-run",
        ] {
            assert_eq!(checked(line), Ok(()), "{line}");
        }
        for (line, reason) in [
            ("", "required"),
            ("purchase", "say whom it is about"),
            ("--workflow welcome", "say whom it is about"),
            ("purchase --profile 1 --answers file", "need --dry-run"),
        ] {
            let said = checked(line).expect_err(line);
            assert!(said.contains(reason), "{line}: {said}");
        }
    }
}
