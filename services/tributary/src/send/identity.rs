//! What names the payloads of a file that do not name themselves.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

/// The content that a payload comes from: the same content has the same names, whenever it is sent.
pub(super) enum Identity {
    /// Of a whole file: another file has other names, even for an equal line.
    File([u8; 32]),
    /// Of a stream, as far as it was read: what follows is not known yet.
    Stream(Box<Sha256>),
}

impl Identity {
    /// A stream of which nothing was read.
    pub(super) fn of_stream() -> Identity {
        Identity::Stream(Box::default())
    }

    /// A line of the stream was read; of a file all is known already.
    pub(super) fn take_in(&mut self, line: &str) {
        if let Identity::Stream(digest) = self {
            digest.update(line);
            digest.update("\n");
        }
    }

    /// The request id of the payload in a line, which was the last to be taken in.
    pub(super) fn request_id(&self, line: usize) -> String {
        let content: [u8; 32] = match self {
            Identity::File(digest) => *digest,
            Identity::Stream(digest) => digest.as_ref().clone().finalize().into(),
        };
        let digest = Sha256::new().chain_update(content).chain_update(format!("/{line}")).finalize();
        format!("send-{}", HEXLOWER.encode(&digest[..16]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(lines: &[&str]) -> String {
        let mut identity = Identity::of_stream();
        lines.iter().for_each(|line| identity.take_in(line));
        identity.request_id(lines.len())
    }

    #[test]
    fn equal_content_has_equal_names_and_equal_lines_have_different_ones() {
        assert_eq!(stream(&["a", "b"]), stream(&["a", "b"]));
        assert_ne!(stream(&["a"]), stream(&["a", "a"]));
        assert_ne!(stream(&["x", "a"]), stream(&["y", "a"]));
        let (one, other) = (Identity::File([1; 32]), Identity::File([2; 32]));
        assert_ne!(one.request_id(1), other.request_id(1));
        assert_ne!(one.request_id(1), one.request_id(2));
    }
}
