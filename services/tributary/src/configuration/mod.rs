//! Configuration as code: what is written in a directory, and what the mesh runs.

pub(crate) mod apply;
mod confirm;
mod diagnostics;
mod excerpt;
pub(crate) mod get;
pub(crate) mod history;
mod kind;
mod outcome;
mod plan;
pub(crate) mod rollback;
pub(crate) mod schema;
mod stages;
pub(crate) mod validate;

use std::time::Duration;

use tonic::{Request, Status};
use tributary_config::number_of;

use crate::{errors, mesh::Place};

/// How long a call may take beside the wait for the stages.
const PATIENCE: Duration = Duration::from_secs(15);
/// The longest that the mesh waits for its stages.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A call that may wait, and is not waited for endlessly.
fn request<T>(message: T, wait: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(PATIENCE + wait);
    request
}

/// A wait as the command line has it.
fn wait(text: &str) -> Result<Duration, String> {
    let wait = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if wait > LONGEST_WAIT { Err("the mesh waits at most 60s".to_owned()) } else { Ok(wait) }
}

/// A revision or its number, as the command line has it.
fn revision(text: &str) -> Result<String, String> {
    match number_of(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("it is no revision, like 4 or 4-3fa9c1d2; `tributary history` lists them".to_owned()),
    }
}

/// What a call means that names a revision or a document.
fn refused(place: &Place, status: &Status) -> anyhow::Error {
    let refused = errors::of_call(place, status);
    match &*errors::reason(status) {
        "REVISION_NOT_FOUND" => anyhow::anyhow!("{refused}; `tributary history` lists them"),
        _ => refused,
    }
}

/// For the wire.
fn on_the_wire(wait: Duration) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(wait).ok()
}
