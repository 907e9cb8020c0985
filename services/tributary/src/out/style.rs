//! Colours, where they help: on a terminal, unless NO_COLOR is set or the flag says otherwise.

use std::fmt::Display;

use crate::environment::given;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to emphasise, if at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Style {
    coloured: bool,
}

impl Style {
    /// For output that goes to a terminal or not.
    pub(crate) fn new(color: Color, terminal: bool) -> Style {
        let plain = || given("NO_COLOR").is_some() || given("TERM").is_some_and(|term| term == "dumb");
        let coloured = match color {
            Color::Auto => terminal && !plain(),
            Color::Always => true,
            Color::Never => false,
        };
        Style { coloured }
    }

    /// Something that is new, or well.
    pub(crate) fn green(self, text: impl Display) -> String {
        self.painted("32", text)
    }

    /// Something that goes, or is wrong.
    pub(crate) fn red(self, text: impl Display) -> String {
        self.painted("31", text)
    }

    /// Something that changes, or wants a look.
    pub(crate) fn yellow(self, text: impl Display) -> String {
        self.painted("33", text)
    }

    /// Something to find quickly.
    pub(crate) fn bold(self, text: impl Display) -> String {
        self.painted("1", text)
    }

    /// Something to read only when it matters.
    pub(crate) fn dim(self, text: impl Display) -> String {
        self.painted("2", text)
    }

    fn painted(self, code: &str, text: impl Display) -> String {
        if self.coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_terminal_has_no_colours_unless_asked_for() {
        assert_eq!(Style::new(Color::Auto, false).red("x"), "x");
        assert_eq!(Style::new(Color::Never, true).red("x"), "x");
        assert_eq!(Style::new(Color::Always, false).red("x"), "\x1b[31mx\x1b[0m");
    }
}
