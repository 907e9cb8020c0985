//! What can be asked of the command, and what its exit code says.

use clap::{Parser, Subcommand};
use std::process::ExitCode;

use crate::{profile, send, up};

/// The event pipeline of a customer data platform.
#[derive(Debug, Parser)]
#[command(name = "tributary", version, about, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the mesh on this machine, with private servers, until Ctrl-C.
    Up(up::Args),
    /// Sends events to a running mesh.
    Send(send::Args),
    /// Shows a profile of a running mesh.
    Profile(profile::Args),
}

/// Runs what the command line asks for: 0 if it went well, 1 if not, 2 if it was not understood.
#[must_use]
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    let outcome = tokio::runtime::Runtime::new().map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            match command {
                Command::Up(args) => up::run(args).await,
                Command::Send(args) => send::run(args).await,
                Command::Profile(args) => profile::run(args).await,
            }
        })
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tributary: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
