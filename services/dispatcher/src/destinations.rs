//! The destinations of all tenants, ready to be sent to: secrets resolved, headers built, permits counted.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use anyhow::Context as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use tokio::sync::Semaphore;
use tributary_config::{Config, Destination};
use tributary_model::{Kinds, TenantId};
use tributary_streams::timer_id;

use crate::STAGE;

/// Requests to destinations that the configuration does not know need no request, so one at a time is plenty.
const UNKNOWN_AT_A_TIME: usize = 1;

/// A destination of one tenant. What one of them does, or does not do, is felt by none of the others.
pub(crate) struct Lane {
    pub(crate) destination: Destination,
    /// The kinds of the tenant's paths, which decide what a profile shows.
    pub(crate) kinds: Arc<Kinds>,
    /// The configured headers.
    pub(crate) headers: HeaderMap,
    /// One permit for each request that may be under way in this process.
    pub(crate) permits: Arc<Semaphore>,
}

/// All destinations, by tenant and by what their timers are called.
pub(crate) struct Destinations {
    by_tenant: BTreeMap<TenantId, Vec<Arc<Lane>>>,
    by_name: HashMap<String, Arc<Lane>>,
    unknown: Arc<Semaphore>,
}

impl Destinations {
    /// Prepares what `config` holds.
    ///
    /// # Errors
    /// A secret that is missing, or a header value that cannot be sent; never the value itself.
    pub(crate) fn new(config: &Config) -> anyhow::Result<Self> {
        let mut by_tenant = BTreeMap::new();
        let mut by_name = HashMap::new();
        for (tenant, configured) in &config.tenants {
            let kinds = Arc::new(configured.kinds.clone());
            let mut lanes = Vec::with_capacity(configured.destinations.len());
            for destination in &configured.destinations {
                let lane = Arc::new(Lane {
                    destination: destination.clone(),
                    kinds: kinds.clone(),
                    headers: headers(destination)?,
                    permits: Arc::new(Semaphore::new(destination.concurrency)),
                });
                by_name.insert(lane_name(tenant, &destination.name), lane.clone());
                lanes.push(lane);
            }
            by_tenant.insert(tenant.clone(), lanes);
        }
        Ok(Self { by_tenant, by_name, unknown: Arc::new(Semaphore::new(UNKNOWN_AT_A_TIME)) })
    }

    /// A tenant's destinations.
    pub(crate) fn of(&self, tenant: &TenantId) -> &[Arc<Lane>] {
        self.by_tenant.get(tenant).map(Vec::as_slice).unwrap_or_default()
    }

    /// The destination of a tenant with this name.
    pub(crate) fn find(&self, tenant: &TenantId, destination: &str) -> Option<&Arc<Lane>> {
        self.of(tenant).iter().find(|lane| lane.destination.name == destination)
    }

    /// The permits of a lane, by [`lane_of`]; those that the configuration does not know share some.
    pub(crate) fn permits(&self, lane: &str) -> Arc<Semaphore> {
        self.by_name.get(lane).map_or(&self.unknown, |lane| &lane.permits).clone()
    }
}

/// The id of the timer for one profile and destination.
pub(crate) fn delivery_timer(tenant: &TenantId, destination: &str, profile: &str) -> String {
    timer_id(STAGE, tenant, &[destination, profile])
}

/// The lane that a timer belongs to, told by its id: thousands of waiting timers need not be read for it.
pub(crate) fn lane_of(timer: &str) -> &str {
    timer.rsplit_once(':').map_or(timer, |(lane, _)| lane)
}

fn lane_name(tenant: &TenantId, destination: &str) -> String {
    timer_id(STAGE, tenant, &[destination])
}

fn headers(destination: &Destination) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in destination.headers()? {
        let unusable = || format!("Destination {}: the header {name} cannot be sent", destination.name);
        let key = HeaderName::from_bytes(name.as_bytes()).with_context(unusable)?;
        let mut value = HeaderValue::from_str(value.expose_secret()).with_context(unusable)?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timers_id_tells_its_lane_whatever_the_names_hold() {
        let tenant = TenantId::new("a:b").unwrap();
        for profile in ["p", "p:q", "x/y z"] {
            let timer = delivery_timer(&tenant, "crm:eu", profile);
            assert_eq!(lane_of(&timer), lane_name(&tenant, "crm:eu"), "{timer}");
        }
    }
}
