//! Where a call that waits looks how far its events have come.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use tributary_config::Config;
use tributary_model::{EventId, PartitionId, ProfileId, StreamId, TenantId};
use tributary_streams::{Delivered, Endings, Live, Progress, Redis, StreamsError};

/// Where the events lie that are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The partition of the profile.
    pub partition: PartitionId,
    /// Who owns the events.
    pub tenant: &'a TenantId,
    /// The profile that they were accepted at.
    pub profile: &'a ProfileId,
}

/// Looks. Each method is one look, and none waits for anything to happen but [`Lookout::told`].
pub trait Lookout: Send + Sync {
    /// Whether the workflows of these events have run; one answer for each.
    fn progress(
        &self,
        place: &Place<'_>,
        events: &[&EventId],
    ) -> impl Future<Output = Result<Vec<Progress>, StreamsError>> + Send;

    /// Up to where the partition's changes, and the events that they belong to, are in Postgres.
    fn stored(&self, place: &Place<'_>) -> impl Future<Output = Result<StreamId, StreamsError>> + Send;

    /// What was sent of the profile, or was given up on.
    fn delivered(
        &self,
        place: &Place<'_>,
    ) -> impl Future<Output = Result<HashMap<String, Delivered>, StreamsError>> + Send;

    /// The names of the destinations that profiles of the tenant are sent to now.
    fn destinations(&self, tenant: &TenantId) -> Vec<String>;

    /// Resolves once the event may have ended since this was called. A hint: it may come in vain, or never.
    fn told(&self, place: &Place<'_>, event: &EventId) -> impl Future<Output = ()> + Send + use<Self>;
}

/// What the stages say in Redis.
#[derive(Clone)]
pub struct Stages {
    /// The streams.
    pub redis: Redis,
    /// Tells that events ended.
    pub endings: Endings,
    /// The running configuration.
    pub config: Arc<Live<Config>>,
}

impl Lookout for Stages {
    async fn progress(&self, place: &Place<'_>, events: &[&EventId]) -> Result<Vec<Progress>, StreamsError> {
        self.redis.progress_of(place.partition, place.tenant, events).await
    }

    async fn stored(&self, place: &Place<'_>) -> Result<StreamId, StreamsError> {
        self.redis.stored(place.partition).await
    }

    async fn delivered(&self, place: &Place<'_>) -> Result<HashMap<String, Delivered>, StreamsError> {
        self.redis.delivered(place.partition, place.tenant, place.profile).await
    }

    fn destinations(&self, tenant: &TenantId) -> Vec<String> {
        let config = self.config.current();
        let destinations = config.tenant(tenant).map(|tenant| tenant.destinations.as_slice());
        destinations.unwrap_or_default().iter().map(|destination| destination.name.clone()).collect()
    }

    fn told(&self, place: &Place<'_>, event: &EventId) -> impl Future<Output = ()> + Send + use<> {
        let expectation = self.endings.expect(place.partition, place.tenant, event);
        async move { expectation.wait(std::time::Duration::MAX).await }
    }
}
