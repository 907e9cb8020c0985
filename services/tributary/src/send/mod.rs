//! `send`: payloads of a file to a running mesh, each until it has an answer.

mod cdnow;
mod deliver;
mod identity;
mod input;
mod lanes;
mod lines;
mod ndjson;
mod progress;
mod source;
mod summary;
mod wait_for;
mod waits;

use std::{path::PathBuf, pin::pin, time::Duration};

use tokio::{signal::ctrl_c, time::Instant};
use tokio_util::sync::CancellationToken;
use tributary_proto::v1;

use self::{
    input::{Format, Input},
    lanes::{Job, Lanes},
    lines::Line,
    progress::{Progress, TOLD},
    source::Sources,
    wait_for::WaitFor,
};
use crate::{
    cli::{self, Globals, Interrupted},
    mesh::{self, INGEST_URL, Mesh},
    out,
};

/// What to send, and where.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary send purchases.txt                       the CDNOW text format, as source cdnow
  echo '00004 0001 19970101 2 29.33' | tributary send -
  tributary send events.ndjson --source website      one payload a line, as JSON
  tributary send last-year.ndjson --source website --historical --rate 5000
  tributary send one.ndjson --source website --wait-for workflow    shows what its workflows answer

A payload is a TrackRequest of the contract:
  {\"profile_id\": \"0001\", \"session_id\": \"s-1\", \"events\": [
    {\"id\": \"e-1\", \"type\": \"page-view\", \"time\": \"2026-01-02T03:04:05Z\", \"properties\": {\"url\": \"/\"}}]}
in one line; source, request_id, context and options may be there too. What has no id gets one from the file's content
and the line's number, so that sending the file again changes nothing. In the CDNOW text the id of a purchase comes from its
customer, its day, and which of the customer's purchases of that day it is in the file, whatever else the line says.

Ctrl-C stops reading, waits for what is in flight, and ends with the summary and exit code 130.")]
pub(crate) struct Args {
    /// The file to send; `-` reads standard input.
    file: PathBuf,
    /// How the file is written; else told from its first character.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The source to send as, where a payload does not name its own; `cdnow` for the CDNOW text. Its write key is looked for
    /// as TRIBUTARY_WRITE_KEY_<SOURCE>.
    #[arg(long)]
    source: Option<String>,
    /// Send as history: folded, counted and stored, without workflows and deliveries.
    #[arg(long)]
    historical: bool,
    /// What each answer waits for, up to 10 s; what a payload says of itself goes before. Events that had not come so far when
    /// they were answered make the exit code 1.
    #[arg(long, value_enum, conflicts_with = "historical")]
    wait_for: Option<WaitFor>,
    /// Events per second; as fast as answers come where it is left out.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: Option<u32>,
    /// Calls in flight at once. One profile's events are sent one after the other.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,
    /// How long one payload is tried for, calls in flight included; must lie well within the mesh's dedup window.
    #[arg(long, default_value = "5m", value_parser = cli::duration)]
    give_up: Duration,
    /// Print the summary as one JSON object.
    #[arg(long)]
    json: bool,
    /// The address of ingest.
    #[arg(long, env = "TRIBUTARY_INGEST_URL", value_name = "URL")]
    url: Option<String>,
}

/// Sends.
///
/// # Errors
/// The file cannot be read, the mesh is not known or does not answer, some lines are no payloads or have no key, or some events were not
/// accepted or had not come as far as was waited for.
pub(crate) async fn run(args: Args, globals: &Globals) -> anyhow::Result<()> {
    let mesh = Mesh::find(globals)?;
    let url = mesh.look_up(args.url.as_deref(), INGEST_URL, "the address of the mesh")?;
    let mut input = Input::open(&args.file, args.format).await?;
    let mut sources = Sources::new(&mesh, args.source.clone(), input.format)?;
    // A mesh that was never there is said at once; one that goes away later is waited for.
    let channel = mesh::connect(&url).await?;
    let progress = Progress::new(input.lines.length());

    let began = Instant::now();
    let stopping = CancellationToken::new();
    let sent = async {
        let mut lanes = Lanes::new(&channel, args.concurrency, args.give_up, &progress, &stopping);
        let fed = tokio::select! {
            fed = feed(&mut input, &args, &mut sources, &mut lanes, &progress) => Some(fed),
            () = stopping.cancelled() => None,
        };
        (fed, lanes.finish().await)
    };
    let (fed, summary) = interruptible(sent, &stopping, &progress).await?;
    let mut summary = summary?;
    summary.skipped = progress.skipped();
    progress.finish();
    let took = began.elapsed();
    if args.json {
        out::line(summary.json(took))?
    } else {
        out::line(summary.text(took))?
    }
    if stopping.is_cancelled() {
        return Err(Interrupted(summary.interruption(fed.is_some())).into());
    }
    fed.transpose()?;
    match summary.complaint() {
        Some(complaint) => anyhow::bail!(complaint),
        None => Ok(()),
    }
}

/// Ctrl-C asks it to end with what is in flight; a second one does not wait for that.
async fn interruptible<T>(
    work: impl Future<Output = T>,
    stopping: &CancellationToken,
    progress: &Progress,
) -> anyhow::Result<T> {
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => return Ok(done),
        interrupted = ctrl_c() => interrupted?,
    }
    stopping.cancel();
    progress.tell("waiting for what is in flight; Ctrl-C again ends it at once");
    tokio::select! {
        done = &mut work => Ok(done),
        _ = ctrl_c() => Err(Interrupted("interrupted; what was in flight may be in the mesh or not".to_owned()).into()),
    }
}

/// Reads the file and gives each payload to its lane, not faster than asked for. A line that is no payload is told, and the
/// rest goes on.
async fn feed(
    input: &mut Input,
    args: &Args,
    sources: &mut Sources<'_>,
    lanes: &mut Lanes,
    progress: &Progress,
) -> anyhow::Result<()> {
    let mut pace = args.rate.map(Pace::new);
    let mut given = false;
    while let Some(Line { number, text }) = input.lines.next().await? {
        let read = text.and_then(|text| input.reader.read(number, &text));
        let payload = match read {
            Ok(Some(payload)) => payload,
            Ok(None) => {
                progress.done();
                continue;
            }
            Err(reason) => {
                progress.tell_skipped(number, &reason);
                check_beginning(given, progress, input.format)?;
                continue;
            }
        };
        let job = match job(payload, args, sources, number) {
            Ok(job) => job,
            Err(reason) => {
                progress.tell_skipped(number, &reason);
                check_beginning(given, progress, input.format)?;
                continue;
            }
        };
        given = true;
        if let Some(pace) = &mut pace {
            pace.wait_for(job.payload.events.len()).await;
        }
        lanes.give(job).await?;
    }
    Ok(())
}

/// What begins with nothing but lines that are left out is another file than was meant.
fn check_beginning(given: bool, progress: &Progress, format: Format) -> anyhow::Result<()> {
    let format = match format {
        Format::Cdnow => "the CDNOW text",
        Format::Ndjson => "JSON, a payload a line",
    };
    anyhow::ensure!(
        given || progress.skipped() < TOLD,
        "none of the first {TOLD} lines can be sent, so the rest is not read: is it the right file? It was read as {format}; \
         --format and --source say otherwise"
    );
    Ok(())
}

fn job(
    mut payload: v1::TrackRequest,
    args: &Args,
    sources: &mut Sources<'_>,
    line: usize,
) -> Result<Job, String> {
    let (key, key_from) = sources.settle(&mut payload)?;
    if args.historical {
        payload.options.get_or_insert_default().historical = true;
    }
    if let Some(level) = args.wait_for {
        let options = payload.options.get_or_insert_default();
        if options.wait_for() == v1::WaitFor::Unspecified {
            options.set_wait_for(level.into());
        }
    }
    Ok(Job { payload, key, key_from, line })
}

/// So many events a second; what was late is caught up with.
struct Pace {
    per_event: Duration,
    next: Instant,
}

impl Pace {
    fn new(rate: u32) -> Pace {
        Pace { per_event: Duration::from_secs(1) / rate, next: Instant::now() }
    }

    async fn wait_for(&mut self, events: usize) {
        tokio::time::sleep_until(self.next).await;
        self.next += self.per_event * u32::try_from(events).unwrap_or(u32::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_pace_is_one_of_events_not_of_payloads() {
        let began = Instant::now();
        let mut pace = Pace::new(10);
        for events in [1, 5, 4, 1] {
            pace.wait_for(events).await;
        }
        assert_eq!(began.elapsed().as_millis(), 1000);
    }
}
