//! Warnings of the stages, on the terminal, as they are logged.
//!
//! A stage writes its log straight into its file: it is never held up by this process, and loses nothing if this one
//! is slow or gone. This process reads along.

use serde_json::Value;
use std::{
    fs::File,
    io::{IsTerminal as _, Read as _, Seek as _, SeekFrom},
    path::PathBuf,
    time::Duration,
};
use tributary_servers::Stage;

use crate::environment::given;

/// How often the logs are looked at.
pub(super) const INTERVAL: Duration = Duration::from_millis(200);

/// How much of a log is read at once; the rest follows the next time.
const PIECE: u64 = 256 * 1024;

/// What one stage warns of.
pub(super) struct Warnings {
    stage: Stage,
    log: PathBuf,
    read: u64,
}

impl Warnings {
    pub(super) fn of(stage: Stage, log: PathBuf) -> Warnings {
        Warnings { stage, log, read: 0 }
    }

    /// Prints the warnings and errors that were added since the last call.
    pub(super) fn show(&mut self) {
        let prefix = prefix(self.stage, std::io::stdout().is_terminal() && given("NO_COLOR").is_none());
        for line in self.new_lines().lines().filter_map(worth_showing) {
            println!("{prefix} {line}");
        }
    }

    /// Whole lines only: the rest of a line that is being written comes the next time.
    fn new_lines(&mut self) -> String {
        let mut piece = Vec::new();
        let read = File::open(&self.log).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.read))?;
            file.take(PIECE).read_to_end(&mut piece)
        });
        if read.is_err() {
            return String::new();
        }
        let whole = match piece.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            // A line longer than a piece would be waited for for ever.
            None if piece.len() as u64 == PIECE => piece.len(),
            None => 0,
        };
        self.read += whole as u64;
        String::from_utf8_lossy(&piece[..whole]).into_owned()
    }
}

fn prefix(stage: Stage, coloured: bool) -> String {
    let colour = match stage {
        Stage::Ingest => 36,
        Stage::Preprocess => 32,
        Stage::Workflow => 35,
        Stage::Collector => 34,
        Stage::Dispatcher => 33,
    };
    let name = stage.name();
    if coloured { format!("\x1b[{colour}m{name:>10}\x1b[0m") } else { format!("{name:>10}") }
}

/// What a stage's log says of each line beside its own fields.
const ABOUT_THE_LINE: [&str; 4] = ["timestamp", "level", "target", "message"];

/// Warnings and errors, and whatever is not in the log's format: a panic, a start that failed.
fn worth_showing(line: &str) -> Option<String> {
    let Ok(Value::Object(entry)) = serde_json::from_str::<Value>(line) else {
        return (!line.trim().is_empty()).then(|| line.to_owned());
    };
    let level = entry.get("level")?.as_str()?;
    if !matches!(level, "WARN" | "ERROR") {
        return None;
    }
    let message = entry.get("message").map(text).unwrap_or_default();
    let others = entry.iter().filter(|(name, _)| !ABOUT_THE_LINE.contains(&name.as_str()));
    let others: String = others.map(|(name, value)| format!(" {name}={}", text(value))).collect();
    Some(format!("{level} {message}{others}"))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn warnings_are_shown_in_one_line_and_information_is_not() {
        let warning = r#"{"timestamp":"t","level":"WARN","message":"Redis is away","after":"2s","attempt":3,"target":"x"}"#;
        assert_eq!(worth_showing(warning).unwrap(), "WARN Redis is away after=2s attempt=3");
        assert_eq!(worth_showing(r#"{"level":"INFO","message":"fine"}"#), None);
    }

    #[test]
    fn what_is_no_log_entry_is_shown_as_it_is() {
        assert_eq!(worth_showing("thread 'main' panicked").unwrap(), "thread 'main' panicked");
        assert_eq!(worth_showing("  "), None);
    }

    #[test]
    fn a_line_is_read_once_and_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut warnings = Warnings::of(Stage::Ingest, log.clone());
        assert_eq!(warnings.new_lines(), "", "a log that is not there yet is empty");
        fs::write(&log, "first\nsec").unwrap();
        assert_eq!(warnings.new_lines(), "first\n");
        fs::write(&log, "first\nsecond\n").unwrap();
        assert_eq!(warnings.new_lines(), "second\n");
        assert_eq!(warnings.new_lines(), "");
    }
}
