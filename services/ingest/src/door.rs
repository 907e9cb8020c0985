//! What the door knows: sources and their keys, under one revision of the configuration.

use tributary_config::{Config, WriteKeys};
use tributary_model::TenantId;

/// One revision, with the digests of all write keys.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) config: Config,
    pub(crate) keys: WriteKeys,
}

impl Door {
    /// Prepares a published revision.
    ///
    /// # Errors
    /// In words: what is wrong with it, or every write key that this process was not given. Never a key.
    pub(crate) fn prepare(revision: &[u8]) -> Result<Self, String> {
        let config = Config::from_bytes(revision)?;
        let keys = config.write_keys().map_err(|missing| missing.to_string())?;
        Ok(Self { config, keys })
    }

    /// Whether a tenant has a source of this name.
    pub(crate) fn knows(&self, tenant: &TenantId, source: &str) -> bool {
        let tenant = self.config.tenant(tenant);
        tenant.is_some_and(|tenant| tenant.sources.keys().any(|name| name.as_str() == source))
    }
}
