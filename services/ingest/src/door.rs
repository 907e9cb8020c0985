//! What the door knows: sources and their keys, under one revision of the configuration.

use std::sync::Arc;
use tributary_config::{Compiler, Config, WaitFor, WriteKeys};
use tributary_model::{SourceName, TenantId};
use tributary_streams::Prepared;

/// One revision, with the digests of all write keys.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) config: Arc<Config>,
    pub(crate) keys: WriteKeys,
}

impl Door {
    /// Prepares a published revision. A write key that this process was not given opens nothing yet, and is named among the
    /// problems; never a key itself.
    ///
    /// # Errors
    /// In words: what is wrong with it.
    pub(crate) fn prepare(revision: &[u8], compiler: &Compiler) -> Result<Prepared<Self>, String> {
        let config = compiler.config(revision)?;
        let (keys, problems) = config.write_keys();
        Ok(Prepared { revision: config.revision.clone(), value: Self { config, keys }, problems })
    }

    /// Whether a tenant has a source of this name.
    pub(crate) fn knows(&self, tenant: &TenantId, source: &str) -> bool {
        let tenant = self.config.tenant(tenant);
        tenant.is_some_and(|tenant| tenant.sources.keys().any(|name| name.as_str() == source))
    }

    /// What the events of a source are waited for where nobody says anything.
    pub(crate) fn wait_for(&self, tenant: &TenantId, source: &SourceName) -> WaitFor {
        let source = self.config.tenant(tenant).and_then(|tenant| tenant.sources.get(source));
        source.map(|source| source.wait_for).unwrap_or_default()
    }
}
