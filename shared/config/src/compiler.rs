//! Published revisions compiled once, though they are asked for again and again while a secret is waited for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::Config;

/// Compiles published revisions, and remembers the last one.
#[derive(Default)]
pub struct Compiler(Mutex<Option<Last>>);

struct Last {
    bytes: Vec<u8>,
    config: Arc<Config>,
}

impl Compiler {
    /// The configuration that a published revision is; at once where the last one was made of the same bytes.
    ///
    /// # Errors
    /// As [`Config::from_bytes`].
    pub fn config(&self, revision: &[u8]) -> Result<Arc<Config>, String> {
        if let Some(last) = self.last().as_ref().filter(|last| last.bytes == revision) {
            return Ok(last.config.clone());
        }
        // Not while it is locked: this may take long.
        let config = Arc::new(Config::from_bytes(revision)?);
        *self.last() = Some(Last { bytes: revision.to_vec(), config: config.clone() });
        Ok(config)
    }

    fn last(&self) -> MutexGuard<'_, Option<Last>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Revision};

    fn web() -> Document {
        Document {
            tenant: "default".to_owned(),
            kind: "Source".to_owned(),
            name: "web".to_owned(),
            file: "web.yaml".to_owned(),
            line: 1,
            text: crate::tests::SOURCE.to_owned(),
        }
    }

    #[test]
    fn the_same_bytes_are_compiled_once() {
        let compiler = Compiler::default();
        let one = Revision::new(1, vec![web()]).to_bytes();
        let two = Revision::new(2, vec![web()]).to_bytes();
        let first = compiler.config(&one).unwrap();
        assert!(Arc::ptr_eq(&first, &compiler.config(&one).unwrap()));
        assert_eq!(compiler.config(&two).unwrap().number, 2);
        assert!(compiler.config(b"nonsense").is_err());
    }
}
