//! Secrets that only this installation knows.

use data_encoding::BASE32_NOPAD;
use std::{fs::File, io::Read as _};

use crate::ServerError;

/// 32 bytes of the system's randomness as 52 lower-case letters and digits: safe in URLs, headers and shell files.
///
/// # Errors
/// When the system's random source cannot be read.
pub fn random_secret() -> Result<String, ServerError> {
    const SOURCE: &str = "/dev/urandom";
    let mut bytes = [0; 32];
    File::open(SOURCE)
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(ServerError::file("read", SOURCE))?;
    Ok(BASE32_NOPAD.encode(&bytes).to_lowercase())
}
