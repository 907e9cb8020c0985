//! How large values are.

use std::io::{self, Write};

use serde::Serialize;

/// How many bytes `value` has as JSON.
pub(crate) fn json_bytes(value: &impl Serialize) -> usize {
    counted(value, usize::MAX)
}

/// Whether `value` has more than so many bytes as JSON. Looks no further.
pub(crate) fn is_larger(value: &impl Serialize, most: usize) -> bool {
    counted(value, most) > most
}

fn counted(value: &impl Serialize, most: usize) -> usize {
    let mut counted = Counted { bytes: 0, most };
    // It ends early where there are more; what cannot be written as JSON never comes here: all of it was made of JSON.
    let _ = serde_json::to_writer(&mut counted, value);
    counted.bytes
}

struct Counted {
    bytes: usize,
    most: usize,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len();
        if self.bytes > self.most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
