//! When a changed profile is sent: one timer for each destination (docs/protocol.md §6). Pure.

use tributary_config::Destination;
use tributary_model::{ProfileId, StreamId, TenantId};
use tributary_streams::Effect;

use crate::destinations::delivery_timer;

/// What a changed profile leads to: it waits for each of its tenant's destinations by itself. `version` is that of the
/// change; the fields that the timers carry are `tenant`, `destination` and `profile`.
pub fn of_profile<'d>(
    tenant: &TenantId,
    profile: &ProfileId,
    version: StreamId,
    destinations: impl IntoIterator<Item = &'d Destination>,
) -> Vec<Effect> {
    let debounces = destinations.into_iter().map(|destination| Effect::Debounce {
        timer: delivery_timer(tenant, &destination.name, profile.as_str()),
        quiet: destination.profiles.quiet,
        longest: destination.profiles.longest_wait,
        version,
        fields: vec![
            ("tenant", tenant.to_string()),
            ("destination", destination.name.clone()),
            ("profile", profile.to_string()),
        ],
    });
    debounces.collect()
}
