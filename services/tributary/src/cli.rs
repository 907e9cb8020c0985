//! What can be asked of the command, and what its exit code says.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};

use crate::{
    completion, configuration, explain, out,
    out::{Color, Style},
    read, run, scenario, send, up,
};

/// The event pipeline of a customer data platform.
#[derive(Debug, Parser)]
#[command(
    name = "tributary",
    version,
    about,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "A mesh that `tributary up` started is found by itself: its .tributary/env lies in the current folder or one above.
Exit codes: 0 it went well, 1 something failed or is wrong, 2 the command line was not understood, 130 Ctrl-C ended it."
)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command can be told.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Globals {
    /// Whose admin key to show, where there are several tenants.
    #[arg(
        long,
        global = true,
        env = "TRIBUTARY_TENANT",
        value_name = "TENANT",
        help_heading = "Global options"
    )]
    pub(crate) tenant: Option<String>,
    /// When to use colours.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        help_heading = "Global options"
    )]
    pub(crate) color: Color,
}

impl Globals {
    /// How to emphasise on standard output.
    pub(crate) fn style(&self) -> Style {
        Style::new(self.color, out::is_terminal())
    }

    /// How to emphasise on standard error.
    pub(crate) fn error_style(&self) -> Style {
        Style::new(self.color, std::io::stderr().is_terminal())
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the mesh on this machine, with private servers, until Ctrl-C.
    Up(up::Args),
    /// Makes a directory of documents the configuration of a running mesh.
    Apply(configuration::apply::Args),
    /// Checks a directory of documents, without a mesh.
    Validate(configuration::validate::Args),
    /// Plays the scenarios of a directory of documents, without a mesh.
    Test(scenario::test::Args),
    /// Prints the JSON Schema of documents, for editors.
    Schema(configuration::schema::Args),
    /// Shows what is configured: a list of documents, or one as it was written.
    Get(configuration::get::Args),
    /// Shows the revisions of the configuration, newest first.
    History(configuration::history::Args),
    /// Goes back to an earlier revision of the configuration.
    Rollback(configuration::rollback::Args),
    /// Sends events to a running mesh.
    Send(send::Args),
    /// Shows a profile.
    Profile(read::profile::Args),
    /// Shows a session.
    Session(read::session::Args),
    /// Shows the stored events of a profile, newest first.
    Events(read::events::Args),
    /// Runs the workflows for an event: for real, or only to see what they would do.
    Run(run::Args),
    /// Explains what workflows did for an event, or would do, and what changed workflows would do.
    Explain(explain::Args),
    /// Shows events, profiles or sessions as they come.
    Tail(read::tail::Args),
    /// Shows how far the background is behind the foreground.
    Lag(read::lag::Args),
    /// Prints what a shell needs to complete this command.
    Completion(completion::Args),
}

/// Ctrl-C ended work that was not done yet.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Interrupted(pub(crate) String);

/// What the shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// A command line that is understood, and makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Runs what the command line asks for: 0 if it went well, 1 if not, 2 if it was not understood.
#[must_use]
pub fn main() -> ExitCode {
    let Cli { globals, command } = Cli::parse();
    let outcome = tokio::runtime::Runtime::new().map_err(anyhow::Error::from).and_then(|runtime| {
        let outcome = runtime.block_on(command.run(&globals));
        // A read of the terminal cannot be ended, and must not be waited for.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if out::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            out::note(format_args!("tributary: {error:#}"));
            if error.is::<Usage>() {
                ExitCode::from(2)
            } else if error.is::<Interrupted>() {
                ExitCode::from(INTERRUPTED)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

impl Command {
    async fn run(self, globals: &Globals) -> anyhow::Result<()> {
        match self {
            Command::Up(args) => up::run(args, globals).await,
            Command::Apply(args) => configuration::apply::run(args, globals).await,
            Command::Validate(args) => configuration::validate::run(&args, globals),
            Command::Test(args) => scenario::test::run(&args, globals),
            Command::Schema(args) => configuration::schema::run(&args),
            Command::Get(args) => configuration::get::run(args, globals).await,
            Command::History(args) => configuration::history::run(args, globals).await,
            Command::Rollback(args) => configuration::rollback::run(args, globals).await,
            Command::Send(args) => send::run(args, globals).await,
            Command::Profile(args) => read::profile::run(args, globals).await,
            Command::Session(args) => read::session::run(args, globals).await,
            Command::Events(args) => read::events::run(args, globals).await,
            Command::Run(args) => run::run(args, globals).await,
            Command::Explain(args) => explain::run(args, globals).await,
            Command::Tail(args) => read::tail::run(args, globals).await,
            Command::Lag(args) => read::lag::run(args, globals).await,
            Command::Completion(args) => completion::run(&args),
        }
    }
}

/// A time that is waited for, which is never none.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| format!("{error}; write it like 10s"))?;
    if duration.is_zero() {
        Err("it has to be longer than nothing, like 10s".to_owned())
    } else {
        Ok(duration)
    }
}

/// A directory of documents; whether it can be read is found out later.
pub(crate) fn directory(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_file() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        return Err(format!("it is a file: name the directory that it lies in, {}", folder.display()));
    }
    Ok(path)
}

/// The whole command line, for completions.
pub(crate) fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn a_time_is_longer_than_nothing_and_a_directory_is_no_file() {
        assert_eq!(duration("3s"), Ok(Duration::from_secs(3)));
        assert!(duration("0s").is_err() && duration("soon").is_err());
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(directory(file.path().to_str().unwrap()).unwrap_err().contains("it is a file"));
        assert!(directory("nowhere").is_ok());
    }

    #[test]
    fn every_command_shows_how_to_use_it() {
        for command in command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("tributary "), "{} has no examples", command.get_name());
        }
    }
}
