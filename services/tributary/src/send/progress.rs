//! How far it is, on a terminal, and the lines that are left out.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::out;

/// Lines that are told one by one; a file of another format has nothing else.
pub(super) const TOLD: u64 = 10;

/// Shown on standard error if that is a terminal.
#[derive(Clone)]
pub(super) struct Progress {
    bar: ProgressBar,
    skipped: Arc<AtomicU64>,
}

impl Progress {
    /// Of so many lines, if that is known.
    pub(super) fn new(length: Option<u64>) -> Progress {
        let bar = match length {
            None => ProgressBar::new_spinner(),
            Some(length) => {
                let style = ProgressStyle::with_template("{bar:40} {pos}/{len} lines  {rate}  {eta} left")
                    .expect("the template is a constant")
                    .with_key("rate", |state: &ProgressState, text: &mut dyn fmt::Write| {
                        // Where it cannot be written nothing is shown.
                        let _ = write!(text, "{:.0}/s", state.per_sec());
                    });
                ProgressBar::new(length).with_style(style)
            }
        };
        Progress { bar, skipped: Arc::default() }
    }

    /// A line beside the bar.
    pub(super) fn tell(&self, text: &str) {
        self.bar.suspend(|| out::note(text));
    }

    /// One line more.
    pub(super) fn done(&self) {
        self.bar.inc(1);
    }

    /// One line more, which is left out.
    pub(super) fn tell_skipped(&self, line: usize, reason: &str) {
        let before = self.skipped.fetch_add(1, Ordering::Relaxed);
        if before < TOLD {
            self.bar.suspend(|| out::note(format_args!("line {line}: {reason}")));
        } else if before == TOLD {
            self.bar.suspend(|| out::note("further lines that are left out are only counted"));
        }
        self.done();
    }

    /// How many lines were left out.
    pub(super) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// Nothing is shown any more.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
