//! Where the spans of all processes of a test arrive.
//!
//! The sink is a process of its own, `otlp-sink`, so that a test which blocks or dies takes no spans with it. It appends
//! each span as one line of JSON to a file; [`OtlpSink`] starts it and reads that file.

mod service;
mod span;

use anyhow::Context as _;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use tributary_servers::{Launch, Process};

use crate::{mesh::programs_folder, scratch};

pub use service::serve;
pub use span::{Span, SpanRef};

const PROGRAM: &str = "otlp-sink";

/// A running sink. Dropping it ends it and removes what it received.
#[derive(Debug)]
pub struct OtlpSink {
    _process: Process,
    endpoint: String,
    file: PathBuf,
    _folder: TempDir,
}

impl OtlpSink {
    /// Starts the process and waits until it listens.
    ///
    /// # Errors
    /// When its program is missing or does not come up within 10 s.
    pub async fn start() -> anyhow::Result<OtlpSink> {
        let folder = scratch::folder();
        let (file, log) = (folder.path().join("spans.jsonl"), folder.path().join("otlp-sink.log"));
        let mut launch = Launch::new(PROGRAM, programs_folder([PROGRAM])?.join(PROGRAM), &log);
        launch.args = vec![file.display().to_string()];
        let process = Process::start(launch)?;
        process.ready(Duration::from_secs(10), || async { address_in(&log).map(drop) }).await?;
        let endpoint = address_in(&log).map_err(anyhow::Error::msg)?;
        Ok(OtlpSink { _process: process, endpoint, file, _folder: folder })
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` has to be.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// All spans so far, in the order in which they arrived.
    ///
    /// # Errors
    /// When the file cannot be read or a line is not a span.
    pub fn spans(&self) -> anyhow::Result<Vec<Span>> {
        let text = match fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        // The last line may be in the middle of being written.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).context("a line of the sink's file")).collect()
    }

    /// The spans of one trace, given as 32 hexadecimal digits.
    ///
    /// # Errors
    /// As [`OtlpSink::spans`].
    pub fn trace(&self, trace_id: &str) -> anyhow::Result<Vec<Span>> {
        Ok(self.spans()?.into_iter().filter(|span| span.trace_id == trace_id).collect())
    }
}

fn address_in(log: &Path) -> Result<String, String> {
    let text = fs::read_to_string(log).map_err(|error| error.to_string())?;
    let line = text.lines().find(|line| line.starts_with("http://"));
    line.map(str::to_owned).ok_or_else(|| "it has not said where it listens".to_owned())
}
