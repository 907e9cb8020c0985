//! The shipped schema, what is said about wrong documents, and what is let through.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as the tests do")]

mod hostile;
mod laws;
mod right;
mod schema;
mod wrong;

use std::path::{Path, PathBuf};

/// A path below the root of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
