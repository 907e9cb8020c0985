//! The private servers, really started: they answer, keep what they acknowledged, and die when they should.

mod death;
mod postgres;
mod redis;

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

/// A folder that also the accounts without rights, under which the servers run, can pass.
fn scratch() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("tributary-servers-")
        .permissions(Permissions::from_mode(0o711))
        .tempdir()
        .expect("the temporary folder can be written to")
}
