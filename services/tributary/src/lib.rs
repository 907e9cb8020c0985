//! The command `tributary`: brings the mesh up on this machine, sends events to it, shows profiles.
//!
//! Reads `.tributary/env` of the current folder, where `up` says where everything is. Writes below `.tributary` only.
//! Start at [`cli`]; each subcommand is a module of its own.

pub mod cli;
mod env_file;
mod environment;
mod mesh;
pub mod profile;
pub mod send;
pub mod up;

pub use env_file::EnvFile;
