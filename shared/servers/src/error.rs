//! What can go wrong with a process on this machine, and what to do about it.

use std::{io, path::PathBuf, time::Duration};

/// Why a server could not be started, stopped or asked. Each message names the program and what helps.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The program is not installed where it was looked for.
    #[error(
        "`{program}` was not found. Looked in: {looked}. Install it ({install}), or name its folder in TRIBUTARY_TOOLS"
    )]
    ProgramMissing {
        /// The program's file name.
        program: String,
        /// The folders that were searched, separated by commas.
        looked: String,
        /// How it is usually installed.
        install: &'static str,
    },
    /// Running as root, and no account to run the server under.
    #[error(
        "`{program}` is never run as root, and none of the accounts {accounts} exists: create one of them"
    )]
    NoAccount {
        /// The program that needs an account.
        program: &'static str,
        /// The account names that were tried.
        accounts: String,
    },
    /// A file or folder could not be used.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A folder in a place that everybody may write to belongs to somebody else.
    #[error("{path} exists and belongs to another account: remove it", path = path.display())]
    ForeignFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Data made by another version.
    #[error("{path} holds data of PostgreSQL {found}, but `postgres` is version {running}: use that version or remove the folder", path = path.display())]
    OtherVersion {
        /// The data folder.
        path: PathBuf,
        /// The version that made the data.
        found: String,
        /// The version that was found now.
        running: String,
    },
    /// The process could not be started at all.
    #[error("cannot start {name} ({program}): {source}", program = program.display())]
    Spawn {
        /// The process.
        name: String,
        /// Its file.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The process ended while it should run.
    #[error("{name} ended ({status}). The end of its log {log}:\n{tail}", log = log.display())]
    Ended {
        /// The process.
        name: String,
        /// How it ended.
        status: String,
        /// Where its output is.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// The process runs and does not answer as it should.
    #[error("{name} was not ready within {within:?}: {reason}. The end of its log {log}:\n{tail}", log = log.display())]
    NotReady {
        /// The process.
        name: String,
        /// How long it was waited for.
        within: Duration,
        /// The last reason why it was not ready.
        reason: String,
        /// Where its output is.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// A statement on a server that runs was refused.
    #[error("cannot {action}: {source}")]
    Sql {
        /// What was tried.
        action: String,
        /// Why not.
        source: sqlx::Error,
    },
}

impl ServerError {
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> ServerError {
        let path = path.into();
        move |source| ServerError::File { action, path, source }
    }
}
