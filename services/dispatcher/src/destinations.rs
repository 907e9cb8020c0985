//! The destinations of all tenants under one revision, ready to be sent to: secrets resolved as far as they are there, headers built.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use tributary_config::{Compiler, Config, Destination};
use tributary_model::{Kinds, TenantId};
use tributary_streams::{Prepared, timer_id};

use crate::{
    STAGE,
    permits::{AllPermits, Permits},
};

/// Requests to destinations that the configuration does not know need no request, so one at a time is plenty.
const UNKNOWN_AT_A_TIME: usize = 1;

/// A destination of one tenant. What one of them does, or does not do, is felt by none of the others.
pub(crate) struct Lane {
    pub(crate) destination: Destination,
    /// The kinds of the tenant's paths, which decide what a profile shows.
    pub(crate) kinds: Arc<Kinds>,
    /// The configured headers; `None` while a secret is missing. Until it is there nothing is sent, and nothing is lost.
    pub(crate) headers: Option<HeaderMap>,
    /// One permit for each request that may be under way in this process.
    pub(crate) permits: Arc<Permits>,
}

/// All destinations, by tenant and by what their timers are called.
pub(crate) struct Destinations {
    by_tenant: BTreeMap<TenantId, Vec<Arc<Lane>>>,
    by_name: HashMap<String, Arc<Lane>>,
    unknown: Arc<Permits>,
}

impl Destinations {
    /// Prepares a published revision. Its destinations keep the `permits` that they have. What a destination lacks is among
    /// the problems; never a value itself.
    ///
    /// # Errors
    /// In words: what is wrong with it.
    pub(crate) fn prepare(
        revision: &[u8],
        compiler: &Compiler,
        permits: &AllPermits,
    ) -> Result<Prepared<Self>, String> {
        let config = compiler.config(revision)?;
        let (value, problems) = Self::new(&config, permits);
        Ok(Prepared { revision: config.revision.clone(), value, problems })
    }

    /// Prepares what `config` holds, and says what of it cannot be used yet, a line each that begins with the tenant.
    pub(crate) fn new(config: &Config, permits: &AllPermits) -> (Self, Vec<String>) {
        let mut problems = Vec::new();
        let mut ready = Vec::new();
        for (tenant, configured) in &config.tenants {
            let kinds = Arc::new(configured.kinds.clone());
            for destination in &configured.destinations {
                let headers = headers(destination).map_err(|wrong| {
                    problems.extend(wrong.into_iter().map(|line| format!("{tenant}: {line}")));
                });
                ready.push((tenant, destination, headers.ok(), kinds.clone()));
            }
        }
        let wanted: Vec<(String, usize)> = ready
            .iter()
            .map(|(tenant, destination, ..)| (lane_name(tenant, &destination.name), destination.concurrency))
            .collect();
        let permits = permits.of(&wanted);
        let mut by_tenant: BTreeMap<TenantId, Vec<Arc<Lane>>> = BTreeMap::new();
        let mut by_name = HashMap::new();
        for (((tenant, destination, headers, kinds), permits), (name, _)) in
            ready.into_iter().zip(permits).zip(wanted)
        {
            let lane = Arc::new(Lane { destination: destination.clone(), kinds, headers, permits });
            by_name.insert(name, lane.clone());
            by_tenant.entry(tenant.clone()).or_default().push(lane);
        }
        (Self { by_tenant, by_name, unknown: Permits::new(UNKNOWN_AT_A_TIME) }, problems)
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
    pub(crate) fn permits(&self, lane: &str) -> Arc<Permits> {
        self.by_name.get(lane).map_or(&self.unknown, |lane| &lane.permits).clone()
    }
}

/// The id of the timer for one profile and destination.
pub(crate) fn delivery_timer(tenant: &TenantId, destination: &str, profile: &str) -> String {
    timer_id(STAGE, tenant, &[destination, profile])
}

/// The lane that a timer belongs to, told by its id: thousands of waiting timers need not be read for it. Stage, tenant and
/// destination come first, whatever else names the timer.
pub(crate) fn lane_of(timer: &str) -> &str {
    let ends = timer.match_indices(':').nth(2);
    ends.map_or(timer, |(end, _)| &timer[..end])
}

fn lane_name(tenant: &TenantId, destination: &str) -> String {
    timer_id(STAGE, tenant, &[destination])
}

/// The headers, or everything that is wrong with them.
fn headers(destination: &Destination) -> Result<HeaderMap, Vec<String>> {
    let resolved = destination
        .headers()
        .map_err(|missing| missing.0.iter().map(ToString::to_string).collect::<Vec<String>>())?;
    let (mut headers, mut wrong) = (HeaderMap::new(), Vec::new());
    for (name, value) in resolved {
        let pair = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value.expose_secret()));
        if let (Ok(name), Ok(mut value)) = pair {
            value.set_sensitive(true);
            headers.insert(name, value);
        } else {
            wrong.push(format!("Destination {}: the header {name} cannot be sent", destination.name));
        }
    }
    if wrong.is_empty() { Ok(headers) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_that_lacks_a_secret_is_there_and_waits_and_hinders_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut documents = "kind: Source\nname: s\nspec:\n  write_keys: [{env: KEY}]\n".to_owned();
        for (destination, header) in [
            ("first", "x: {env: NOBODY_SETS_ONE}"),
            ("second", "x: {env: NOBODY_SETS_TWO}"),
            ("third", "x: {value: plain}"),
        ] {
            documents.push_str(&format!(
                "---\nkind: Destination\nname: {destination}\nspec:\n  webhook:\n    \
                 url: http://127.0.0.1:1/\n    headers: {{{header}}}\n"
            ));
        }
        std::fs::write(folder.path().join("all.yaml"), documents).unwrap();
        let config = Config::load(folder.path()).unwrap();
        let (destinations, problems) = Destinations::new(&config, &AllPermits::default());
        assert_eq!(
            problems,
            [
                "default: Destination first: environment variable NOBODY_SETS_ONE is not set, and no file NOBODY_SETS_ONE in TRIBUTARY_SECRETS",
                "default: Destination second: environment variable NOBODY_SETS_TWO is not set, and no file NOBODY_SETS_TWO in TRIBUTARY_SECRETS",
            ]
        );
        let tenant = TenantId::new("default").unwrap();
        let waits = |name: &str| destinations.find(&tenant, name).map(|lane| lane.headers.is_none());
        assert_eq!([waits("first"), waits("second"), waits("third")], [Some(true), Some(true), Some(false)]);
    }

    #[test]
    fn a_timers_id_tells_its_lane_whatever_the_names_hold() {
        let tenant = TenantId::new("a:b").unwrap();
        for profile in ["p", "p:q", "x/y z"] {
            let timer = delivery_timer(&tenant, "crm:eu", profile);
            assert_eq!(lane_of(&timer), lane_name(&tenant, "crm:eu"), "{timer}");
            let direct = timer_id(STAGE, &tenant, &["crm:eu", profile, "e:1/w/n"]);
            assert_eq!(lane_of(&direct), lane_name(&tenant, "crm:eu"), "{direct}");
        }
    }
}
