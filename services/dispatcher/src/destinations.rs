//! The destinations of all tenants, ready to be sent to: secrets resolved, headers built, permits counted.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

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
    /// Every secret that is missing and every header that cannot be sent, of all destinations; never a value itself.
    pub(crate) fn new(config: &Config) -> anyhow::Result<Self> {
        let mut by_tenant = BTreeMap::new();
        let mut by_name = HashMap::new();
        let mut problems = Vec::new();
        for (tenant, configured) in &config.tenants {
            let kinds = Arc::new(configured.kinds.clone());
            let mut lanes = Vec::with_capacity(configured.destinations.len());
            for destination in &configured.destinations {
                let lane = Arc::new(Lane {
                    destination: destination.clone(),
                    kinds: kinds.clone(),
                    headers: headers(destination, &mut problems),
                    permits: Arc::new(Semaphore::new(destination.concurrency)),
                });
                by_name.insert(lane_name(tenant, &destination.name), lane.clone());
                lanes.push(lane);
            }
            by_tenant.insert(tenant.clone(), lanes);
        }
        anyhow::ensure!(problems.is_empty(), problems.join("\n"));
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

/// The headers that can be sent; what is wrong with the others is added to the problems.
fn headers(destination: &Destination, problems: &mut Vec<String>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let resolved = destination.headers().unwrap_or_else(|missing| {
        problems.push(missing.to_string());
        Vec::new()
    });
    for (name, value) in resolved {
        let pair = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value.expose_secret()));
        if let (Ok(name), Ok(mut value)) = pair {
            value.set_sensitive(true);
            headers.insert(name, value);
        } else {
            problems.push(format!("Destination {}: the header {name} cannot be sent", destination.name));
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secrets_that_destinations_lack_are_named_together() {
        let folder = tempfile::tempdir().unwrap();
        let mut documents = "kind: Source\nname: s\nspec:\n  write_keys: [{env: KEY}]\n".to_owned();
        for (destination, header) in [
            ("first", "x: {env: TRIBUTARY_TEST_NOBODY_SETS_ONE}"),
            ("second", "x: {env: TRIBUTARY_TEST_NOBODY_SETS_TWO}"),
        ] {
            documents.push_str(&format!(
                "---\nkind: Destination\nname: {destination}\nspec:\n  webhook:\n    \
                 url: http://127.0.0.1:1/\n    headers: {{{header}}}\n"
            ));
        }
        std::fs::write(folder.path().join("all.yaml"), documents).unwrap();
        let said = Destinations::new(&Config::load(folder.path()).unwrap()).err().unwrap().to_string();
        for part in ["first", "NOBODY_SETS_ONE", "second", "NOBODY_SETS_TWO"] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn a_timers_id_tells_its_lane_whatever_the_names_hold() {
        let tenant = TenantId::new("a:b").unwrap();
        for profile in ["p", "p:q", "x/y z"] {
            let timer = delivery_timer(&tenant, "crm:eu", profile);
            assert_eq!(lane_of(&timer), lane_name(&tenant, "crm:eu"), "{timer}");
        }
    }
}
