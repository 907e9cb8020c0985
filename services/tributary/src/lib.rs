//! The command `tributary`: brings the mesh up on this machine, configures it, sends events to it, and shows what it knows.
//!
//! Reads `.tributary/env` of the current folder or one above, where `up` says where everything is. Writes below `.tributary`
//! only. Start at [`cli`]; each subcommand is a module of its own. `docs/command.md` shows them all.

pub mod cli;
mod completion;
mod configuration;
mod env_file;
mod environment;
mod errors;
mod explain;
#[cfg(test)]
mod fake;
mod mesh;
mod out;
mod read;
mod run;
mod runs;
pub mod scenario;
mod send;
mod up;
mod write_keys;

use env_file::EnvFile;
