//! The file, how it is written, and what reads its lines.

use std::path::Path;

use tributary_proto::v1;

use super::{cdnow, identity::Identity, lines::Lines, ndjson};

/// How payloads are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// One purchase a line, in five columns.
    Cdnow,
    /// One payload a line, as JSON.
    #[value(alias = "json")]
    Ndjson,
}

/// A file that is read line by line.
pub(super) struct Input {
    pub(super) format: Format,
    pub(super) lines: Lines,
    pub(super) reader: Reader,
}

impl Input {
    /// Opens the file; `-` is standard input. Without a format its first character that is not blank tells it.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) async fn open(path: &Path, format: Option<Format>) -> anyhow::Result<Input> {
        let (mut lines, identity) = Lines::open(path).await?;
        let format = match format {
            Some(format) => format,
            None if lines.first_letter().await? == Some(b'{') => Format::Ndjson,
            None => Format::Cdnow,
        };
        Ok(Input { format, lines, reader: Reader::new(format, identity) })
    }
}

/// What turns lines into payloads.
pub(super) enum Reader {
    Cdnow(cdnow::Reader),
    Ndjson(ndjson::Reader),
}

impl Reader {
    fn new(format: Format, identity: Identity) -> Reader {
        match format {
            Format::Cdnow => Reader::Cdnow(cdnow::Reader::default()),
            Format::Ndjson => Reader::Ndjson(ndjson::Reader::new(identity)),
        }
    }

    /// The payload of a line; `None` for an empty one.
    ///
    /// # Errors
    /// The line is no payload; says why, and shows nothing of it.
    pub(super) fn read(&mut self, number: usize, line: &str) -> Result<Option<v1::TrackRequest>, String> {
        match self {
            Reader::Cdnow(reader) => reader.read(line),
            Reader::Ndjson(reader) => reader.read(number, line),
        }
    }
}
