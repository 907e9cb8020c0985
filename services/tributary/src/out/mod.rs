//! What the command shows: lines, tables and documents, coloured on a terminal.

mod document;
mod meant;
mod screen;
mod style;
mod table;

use std::{
    fmt::Display,
    io::{self, ErrorKind, IsTerminal as _, Write as _},
};

use serde_json::Value;

pub(crate) use document::{leaves, short};
pub(crate) use meant::did_you_mean;
pub(crate) use screen::{EVERY, Screen};
pub(crate) use style::{Color, Style};
pub(crate) use table::Table;

/// Writes a line to standard output at once: it may be a pipe that somebody reads along.
///
/// # Errors
/// Standard output cannot be written to; [`is_closed`] tells whether its reader has gone.
pub(crate) fn line(text: impl Display) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// A document for programs, over several lines.
pub(crate) fn json(value: &Value) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?)
}

/// A line about what is going on, for people only: not part of the output.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether a person reads the output.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether the reader of the output has gone, as `head` does: nothing went wrong then.
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    let of_io = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    of_io.into_iter().any(|cause| cause.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_reader_that_has_gone_is_no_failure() {
        let gone = anyhow::Error::from(io::Error::from(ErrorKind::BrokenPipe)).context("cannot show it");
        assert!(is_closed(&gone));
        assert!(!is_closed(&anyhow::Error::from(io::Error::from(ErrorKind::StorageFull))));
    }
}
