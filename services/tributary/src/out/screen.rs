//! Output that is drawn again and again.

use std::{fmt::Display, time::Duration};

use super::{is_terminal, line};

/// How often what is asked for again and again is asked for.
pub(crate) const EVERY: Duration = Duration::from_secs(1);

/// Draws over what was drawn before on a terminal; elsewhere one below the other.
pub(crate) struct Screen {
    terminal: bool,
    drawn: Option<String>,
}

impl Screen {
    /// Nothing is drawn yet.
    pub(crate) fn new() -> Screen {
        Screen { terminal: is_terminal(), drawn: None }
    }

    /// Shows it, unless it is what is shown already.
    pub(crate) fn draw(&mut self, shown: impl Display) -> anyhow::Result<()> {
        let shown = shown.to_string();
        if self.drawn.as_ref() == Some(&shown) {
            return Ok(());
        }
        if self.terminal {
            // Home, then clear: what was there before stays in the terminal's history.
            line(format_args!("\x1b[H\x1b[2J{shown}"))?;
        } else {
            line(&shown)?;
        }
        self.drawn = Some(shown);
        Ok(())
    }
}
