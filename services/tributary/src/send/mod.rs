//! Sends events to a running mesh, each until it has an answer.

mod cdnow;
mod deliver;
mod summary;

use crate::mesh::{self, Authorized};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::time::Duration;
use summary::Summary;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tributary_proto::v1;
use tributary_proto::v1::ingest_service_client::IngestServiceClient;

/// Payloads read ahead for each lane.
const AHEAD: usize = 16;

/// What to send, and where.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file to send, in the CDNOW text format; `-` reads standard input.
    file: PathBuf,
    /// The source to send as. Its write key is looked for as TRIBUTARY_WRITE_KEY_<SOURCE>.
    #[arg(long, default_value = "cdnow")]
    source: String,
    /// Events per second; as fast as answers come where it is left out.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: Option<u32>,
    /// Calls in flight at once. One profile's events are sent one after the other.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,
    /// How long one event is retried; must lie well within the mesh's dedup window.
    #[arg(long, default_value = "5m", value_parser = humantime::parse_duration)]
    give_up: Duration,
    /// Print the summary as one JSON object.
    #[arg(long)]
    json: bool,
    /// The address of ingest.
    #[arg(long, env = "TRIBUTARY_INGEST_URL")]
    url: Option<String>,
}

/// Sends.
///
/// # Errors
/// The file cannot be read, the mesh is not known or does not answer, or some events were not accepted.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let url = mesh::look_up(args.url.as_deref(), "TRIBUTARY_INGEST_URL", "the address of the mesh")?;
    let name = format!("TRIBUTARY_WRITE_KEY_{}", args.source.to_uppercase().replace('-', "_"));
    let key = mesh::look_up(None, &name, &format!("the write key of source {}", args.source))?;
    let (input, length) = open(&args.file).await?;
    // A mesh that was never there is said at once; one that goes away later is waited for.
    let client = IngestServiceClient::new(mesh::connect(&url, &key).await?);
    let progress = progress(length);

    let began = Instant::now();
    let mut lanes = Lanes::new(&client, &args, &progress);
    let fed = feed(input, &args, &mut lanes).await;
    let summary = lanes.finish().await?;
    progress.finish_and_clear();
    let took = began.elapsed();
    if args.json {
        println!("{}", summary.json(took));
    } else {
        println!("{}", summary.text(took));
    }
    fed?;
    anyhow::ensure!(summary.lost() == 0, "{} events are not in the mesh", summary.lost());
    Ok(())
}

/// Reads the file and gives each payload to its lane, not faster than asked for.
async fn feed(
    input: Box<dyn AsyncBufRead + Unpin + Send>,
    args: &Args,
    lanes: &mut Lanes,
) -> anyhow::Result<()> {
    let mut tick = args.rate.map(|rate| {
        let mut tick = interval(Duration::from_secs(1) / rate);
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        tick
    });
    let mut reader = cdnow::Reader::default();
    let mut lines = input.lines();
    while let Some(line) = lines.next_line().await.context("the file cannot be read")? {
        let Some(mut payload) = reader.read(&line)? else { continue };
        payload.source.clone_from(&args.source);
        if let Some(tick) = &mut tick {
            tick.tick().await;
        }
        lanes.give(payload).await?;
    }
    Ok(())
}

/// Senders that each take some of the profiles, so that one profile's events stay in the order of the file.
struct Lanes {
    lanes: Vec<mpsc::Sender<v1::TrackRequest>>,
    running: JoinSet<Summary>,
}

impl Lanes {
    fn new(client: &IngestServiceClient<Authorized>, args: &Args, progress: &ProgressBar) -> Self {
        let mut running = JoinSet::new();
        let lanes = (0..args.concurrency).map(|_| {
            let (lane, payloads) = mpsc::channel(AHEAD);
            running.spawn(drive(client.clone(), payloads, args.give_up, progress.clone()));
            lane
        });
        Self { lanes: lanes.collect(), running }
    }

    async fn give(&self, payload: v1::TrackRequest) -> anyhow::Result<()> {
        let mut hasher = DefaultHasher::new();
        payload.profile_id.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % self.lanes.len() as u64)?;
        self.lanes[lane].send(payload).await.context("a sender has ended early")
    }

    async fn finish(mut self) -> anyhow::Result<Summary> {
        self.lanes.clear();
        let mut summary = Summary::default();
        while let Some(part) = self.running.join_next().await {
            summary.add(part.context("a sender has failed")?);
        }
        Ok(summary)
    }
}

async fn drive(
    mut client: IngestServiceClient<Authorized>,
    mut payloads: mpsc::Receiver<v1::TrackRequest>,
    give_up: Duration,
    progress: ProgressBar,
) -> Summary {
    let mut summary = Summary::default();
    while let Some(payload) = payloads.recv().await {
        let began = Instant::now();
        let delivered = deliver::deliver(&mut client, &payload, give_up).await;
        match &delivered.answer {
            Ok(answer) => summary.answered(answer, delivered.retries, began.elapsed()),
            Err(status) => {
                let why = format!("{}: {}", status.code(), status.message());
                summary.failed(payload.events.len(), delivered.retries, &why);
            }
        }
        progress.inc(payload.events.len() as u64);
    }
    summary
}

/// The input, and how many lines it has where that can be known.
async fn open(file: &PathBuf) -> anyhow::Result<(Box<dyn AsyncBufRead + Unpin + Send>, Option<u64>)> {
    if file.as_os_str() == "-" {
        return Ok((Box::new(BufReader::new(tokio::io::stdin())), None));
    }
    let unreadable = || format!("{} cannot be read", file.display());
    let mut count = BufReader::new(tokio::fs::File::open(file).await.with_context(unreadable)?).lines();
    let mut length = 0;
    while count.next_line().await.with_context(unreadable)?.is_some() {
        length += 1;
    }
    let input = tokio::fs::File::open(file).await.with_context(unreadable)?;
    Ok((Box::new(BufReader::new(input)), Some(length)))
}

fn progress(length: Option<u64>) -> ProgressBar {
    let Some(length) = length else { return ProgressBar::new_spinner() };
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len}  {per_sec}  {eta} left")
        .expect("the template is a constant");
    ProgressBar::new(length).with_style(style)
}
